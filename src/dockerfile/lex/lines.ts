import type { Range } from '../../lib/problem.ts';
import { lastAtMost } from '../../lib/sorted.ts';
import { Complaint } from '../complaint.ts';

/** Where a piece of a logical line stands in the file. */
interface Piece {
  /** Offset in the logical line. */
  start: number;
  line: number;
  column: number;
}

const FIRST: Piece = { start: 0, line: 1, column: 1 };

/** Physical lines joined into one instruction, which still knows where each character came from. */
export class LogicalLine {
  text = '';
  readonly #pieces: Piece[] = [];

  append(text: string, line: number, column: number): void {
    this.#pieces.push({ start: this.text.length, line, column });
    this.text += text;
  }

  /** Range of the characters from `start` up to `end` (exclusive), offsets in `text`. */
  range(start: number, end: number): Range {
    const first = this.#at(start);
    const last = this.#at(Math.max(start, end - 1));
    return {
      line: first.line,
      column: first.column,
      endLine: last.line,
      endColumn: last.column + (end > start ? 1 : 0),
    };
  }

  #at(offset: number): { line: number; column: number } {
    const piece = this.#pieces[lastAtMost(this.#pieces, offset, ({ start }) => start)] ?? FIRST;
    return { line: piece.line, column: piece.column + offset - piece.start };
  }
}

/** Longest physical line in bytes, as every builder has it. */
export const MAX_LINE_BYTES = 65_535;

/**
 * The physical lines of a file without their ends: byte order mark dropped, CRLF taken as LF.
 * @throws Complaint for a line that is too long
 */
export function physicalLines(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, index) => {
    if (line.length > MAX_LINE_BYTES / 4 && Buffer.byteLength(line) > MAX_LINE_BYTES)
      throw new Complaint(`dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`, {
        ranges: [{ line: index + 1, column: 1, endLine: index + 1, endColumn: 2 }],
      });
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  });
}

export function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}

/**
 * Whether a physical line goes on: it ends with the escape character and blanks, and the escape is not itself escaped.
 * Gives back the text without it.
 */
export function continuation(line: string, escapeToken: string): string | undefined {
  let end = line.length;
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end--;
  const trimmed = line.slice(0, end);
  if (!trimmed.endsWith(escapeToken)) return undefined;
  const before = trimmed.at(-2);
  return before === escapeToken ? undefined : trimmed.slice(0, -1);
}
