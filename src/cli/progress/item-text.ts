import { formatBytes } from '../../lib/bytes.ts';
import { textWidth } from './text-width.ts';

/** Columns of a bar, without its brackets. */
const BAR = 20;

/** Bytes on their way; `total` is absent where nobody knows. */
export interface MovingItem {
  item: string;
  current: number;
  total?: number | undefined;
}

/**
 * `5f70bf18a086 [=====>    ] 3.4 MB / 28.6 MB 12 MB/s`; without the bar where it would not fit.
 * @param rate bytes per second
 */
export function itemText({ item, current, total }: MovingItem, rate: number | undefined, width: number): string {
  const name = item.replace(/sha256:([0-9a-f]{12})[0-9a-f]*/, '$1');
  const bytes =
    total === undefined ? (current > 0 ? formatBytes(current) : '') : `${formatBytes(current)} / ${formatBytes(total)}`;
  const speed = rate === undefined || current === 0 ? '' : `${formatBytes(rate)}/s`;
  const words = [name, ...(total === undefined || total === 0 ? [] : [bar(current / total)]), bytes, speed];
  const text = words.filter((word) => word !== '').join(' ');
  return textWidth(text) <= width ? text : [name, bytes, speed].filter((word) => word !== '').join(' ');
}

function bar(share: number): string {
  const full = Math.max(0, Math.min(BAR, Math.round(share * BAR)));
  return `[${'='.repeat(full)}${full < BAR ? '>' : ''}${' '.repeat(Math.max(0, BAR - full - 1))}]`;
}
