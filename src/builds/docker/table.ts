import { fillTemplate } from './template.ts';

/** Columns padded to their widest cell and three spaces, as docker's tables are. */
export function columns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + 3))).join(''),
  );
}

/**
 * Rows by a template of `--format`: `table {{.A}}\t{{.B}}` has a line of heads, `json` is an object for each, and any other
 * is filled in for each.
 * @param heads of each field
 * @throws Problem `unsupported` as `fillTemplate`
 */
export function formatRows(
  rows: readonly Record<string, string>[],
  heads: Readonly<Record<string, string>>,
  format: string,
): string[] {
  if (format === 'json' || format === '{{json .}}') return rows.map((row) => JSON.stringify(row));
  const text = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  if (!text.startsWith('table ')) return rows.map((row) => fillTemplate(text, row));
  const cells = [heads, ...rows].map((row) => fillTemplate(text.slice('table '.length), row).split('\t'));
  return columns(cells);
}
