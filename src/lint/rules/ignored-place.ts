import type { Place } from '../../lib/problem.ts';

/** A line of an ignore file. */
export function placeOfLine(file: string, text: string, line: number): Place {
  const written = text.split(/\r?\n/)[line - 1] ?? '';
  const column = written.length - written.trimStart().length + 1;
  return {
    file,
    text,
    ranges: [{ line, column, endLine: line, endColumn: Math.max(written.trimEnd().length + 1, column + 1) }],
  };
}
