import type { ImageDetails } from '../../engine/engine.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type HistoryRow, historyRows } from '../history-rows.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

interface HistoryOptions {
  all?: boolean;
  trunc: boolean;
  json?: boolean;
}

/** In a pipe there is no width to cut at, but a RUN of a kilobyte is no line to read either. */
const PIPED_COLUMNS = 80;

export async function history(context: CliContext, options: HistoryOptions, name: string): Promise<number> {
  const image = await withControl(context, (control) => control.call('inspect', { name }));
  const rows = historyRows(image);
  if (options.json) {
    context.terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
    return EXIT.done;
  }
  const { base } = image;
  const baseEntries = options.all ? 0 : (base?.entries ?? 0);
  const own = rows.slice(baseEntries).reverse();
  const { columns } = context.terminal;
  const shown = Number.isFinite(columns) ? columns : PIPED_COLUMNS;
  context.terminal.out(
    table(
      [['#', 'LAYER', 'SIZE', 'SINCE', 'MADE BY'], ...own.map(cells)],
      options.trunc ? shown : Number.POSITIVE_INFINITY,
    ),
  );
  if (base !== undefined) context.terminal.out(describeBase(base, rows.slice(0, baseEntries)));
  const metadata = own.filter((row) => row.layer === undefined).length;
  context.terminal.out(
    `${own.length} entries, ${counted(own.length - metadata, 'layer')}: ${metadata === 1 ? '1 entry is' : `${metadata} entries are`} metadata, which makes no layer\n`,
  );
  const top = rows.findLast((row) => row.layer !== undefined)?.layer;
  if (top !== undefined) context.terminal.out(`enter any of them: slipway shell ${name.replace(/#\d+$/, '')}#${top}\n`);
  return EXIT.done;
}

function cells(row: HistoryRow): string[] {
  return [
    row.layer === undefined ? '' : String(row.layer),
    row.digest === undefined ? '-' : row.digest.slice(0, 'sha256:'.length + 12),
    row.bytes === undefined ? '' : formatBytes(row.bytes),
    row.created === undefined ? '' : ago(Date.parse(row.created)),
    row.createdBy.replaceAll(/\s+/g, ' ').trim(),
  ];
}

/** The base's own entries are summed up unless they are shown. */
function describeBase(base: NonNullable<ImageDetails['base']>, hidden: HistoryRow[]): string {
  const bytes = hidden.reduce((sum, row) => sum + (row.bytes ?? 0), 0);
  const sum =
    hidden.length === 0
      ? ''
      : `\n   ${counted(base.layers ?? 0, 'layer')}, ${formatBytes(bytes)}, ${hidden.length} entries (--all)`;
  return `…  base ${base.name}\n   ${base.digest}${sum}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
