/**
 * Columns as wide as their widest cell, two blanks between them; the last one is never padded, and cut where `columns`
 * ends, so that a row is a line.
 */
export function table(rows: readonly (readonly string[])[], columns = Number.POSITIVE_INFINITY): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) if (i < row.length - 1) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  const before = widths.reduce((sum, width) => sum + width + 2, 0);
  const last = Math.max(LEAST_LAST, columns - before);
  return rows
    .map((row) =>
      row.map((cell, i) => (i === row.length - 1 ? shortened(cell, last) : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** On a very narrow terminal a wrapped line says more than a column of dots. */
const LEAST_LAST = 16;

/** The beginning of a text on one line, with an ellipsis where it was cut. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
