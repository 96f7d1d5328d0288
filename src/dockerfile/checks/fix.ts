import type { Range } from '../../lib/problem.ts';

/** One replacement in a text; an empty range inserts. Columns count as in Range. */
export interface Edit {
  range: Range;
  text: string;
}

/** What to do about a warning. */
export interface Fix {
  /** A sentence without its full stop. */
  text: string;
  /** Present where a machine can do it without changing what the file means. */
  edits?: Edit[];
}

/** @param edit undefined where only a person can do it */
export function fixBy(text: string, edit: Edit | undefined): Fix {
  return edit === undefined ? { text } : { text, edits: [edit] };
}

/** The text after the edits, which don't overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const starts = lineStarts(text);
  const offset = (line: number, column: number) =>
    Math.min(text.length, (starts[line - 1] ?? text.length) + column - 1);
  let out = '';
  let at = 0;
  for (const { range, text: added } of [...edits].sort(byPlace)) {
    out += text.slice(at, offset(range.line, range.column)) + added;
    at = offset(range.endLine, range.endColumn);
  }
  return out + text.slice(at);
}

function byPlace(a: Edit, b: Edit): number {
  return a.range.line - b.range.line || a.range.column - b.range.column;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Puts a line of its own before the line on which a range begins. */
export function insertLine(before: Range, text: string): Edit {
  return { range: { line: before.line, column: 1, endLine: before.line, endColumn: 1 }, text: `${text}\n` };
}

/** Takes whole lines away. */
export function removeLines({ line, endLine }: Range): Edit {
  return { range: { line, column: 1, endLine: endLine + 1, endColumn: 1 }, text: '' };
}
