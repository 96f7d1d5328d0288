import type { ImageDetails } from '../../engine/engine.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { ago, table } from '../terminal.ts';
import { withControl } from '../with-control.ts';

interface HistoryRow {
  /** 1 for the first layer; absent for metadata, which makes none. */
  layer?: number;
  digest?: string;
  bytes?: number;
  created?: string;
  createdBy: string;
}

export async function history(
  context: CliContext,
  options: { trunc: boolean; json?: boolean },
  name: string,
): Promise<number> {
  const image = await withControl(context, (control) => control.call('inspect', { name }));
  const rows = historyRows(image);
  if (options.json) {
    context.terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
    return 0;
  }
  const width = options.trunc ? Math.max(20, context.terminal.columns - 46) : Number.POSITIVE_INFINITY;
  const lines = rows
    .reverse()
    .map((row) => [
      row.layer === undefined ? '' : String(row.layer),
      row.digest === undefined ? '-' : row.digest.slice(0, 'sha256:'.length + 8),
      row.bytes === undefined ? '' : formatBytes(row.bytes),
      row.created === undefined ? '' : ago(Date.parse(row.created)),
      cut(row.createdBy, width),
    ]);
  context.terminal.out(table([['#', 'LAYER', 'SIZE', 'SINCE', 'MADE BY'], ...lines]));
  const metadata = rows.filter((row) => row.layer === undefined).length;
  context.terminal.out(
    `${rows.length} entries, ${image.layers.length} layers: ${metadata} entries are metadata, which makes no layer\n`,
  );
  return 0;
}

/** Oldest first. History and layers are matched in order; an image without history still shows its layers. */
export function historyRows(image: ImageDetails): HistoryRow[] {
  const rows: HistoryRow[] = [];
  let next = 0;
  const takeLayer = (): Partial<HistoryRow> => {
    const layer = image.layers[next++];
    return layer === undefined ? {} : { layer: next, digest: layer.blob.digest, bytes: layer.blob.size };
  };
  for (const entry of image.config.history ?? []) {
    const made = entry.empty_layer === true ? {} : takeLayer();
    rows.push({
      ...made,
      ...(entry.created === undefined ? {} : { created: entry.created }),
      createdBy: entry.created_by ?? '',
    });
  }
  while (next < image.layers.length) rows.push({ ...takeLayer(), createdBy: '(no history)' });
  return rows;
}

function cut(text: string, width: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
