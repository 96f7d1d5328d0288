/**
 * A complaint that a person can act on: what happened, where, and what to do next.
 *
 * Everything that is the user's to mend is thrown as a Problem; anything else that is thrown is a bug of ours. Each
 * wire protocol renders Problems in exactly one place (its door's errors.ts), the terminal in `renderProblem`.
 */
export type ProblemCode =
  | 'invalid' // the input is wrong
  | 'not-found'
  | 'unauthenticated' // no credentials, or bad ones
  | 'denied' // known, but not allowed
  | 'conflict' // exists already, immutable, in use, owned by another process
  | 'exhausted' // disk, quota, rate limit
  | 'unavailable' // a peer (registry, server) can't be reached or refuses
  | 'cancelled'
  | 'timeout'
  | 'failed' // a command that we ran for the user ended badly
  | 'unsupported';

/** A range in a text; lines and columns count from 1, `endColumn` is exclusive. */
export interface Range {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** Where a complaint points: a file as the user knows it, the range, and the text that the excerpt is cut from. */
export interface Place {
  file: string;
  ranges: Range[];
  text?: string;
}

export interface ProblemOptions {
  place?: Place | undefined;
  /** What to do next, in one or several lines. */
  hint?: string | undefined;
  /** Exit code of the command that failed, where there was one. */
  exitCode?: number | undefined;
  cause?: unknown;
}

/** The command line is a bundle with a copy of this class: what it catches from the server's modules is a Problem too. */
const BRAND = Symbol.for('slipway.problem');

export class Problem extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this method and mean themselves, not every Problem
    if (this !== Problem) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  readonly [BRAND] = true;
  readonly code: ProblemCode;
  readonly place: Place | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;

  constructor(code: ProblemCode, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.place = options.place;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}

/** `file:line:column` of the first range, or the bare file. */
export function placeLabel(place: Place): string {
  const first = place.ranges[0];
  return first === undefined ? place.file : `${place.file}:${first.line}:${first.column}`;
}

/** The lines around the ranges; those that are meant begin with `>>>`, and one line is underlined. */
export function excerpt(place: Place, context = 1): string {
  const first = place.ranges[0];
  if (first === undefined || place.text === undefined) return '';
  const lines = place.text.split(/\r?\n/);
  const from = Math.max(1, first.line - context);
  const last = Math.max(...place.ranges.map((range) => range.endLine));
  const to = Math.min(lines.length, last + context);
  const width = String(to).length;
  const out: string[] = [];
  for (let number = from; number <= to; number++) {
    const meant = place.ranges.some((range) => number >= range.line && number <= range.endLine);
    const text = lines[number - 1] ?? '';
    out.push(`${meant ? '>>>' : '   '} ${String(number).padStart(width)} | ${text}`);
    const marks = place.ranges.filter((range) => range.line === number && range.endLine === number);
    if (marks.length > 0) out.push(`${' '.repeat(width + 4)} | ${underline(text, marks)}`);
  }
  return out.join('\n');
}

function underline(text: string, ranges: Range[]): string {
  let line = '';
  for (const range of [...ranges].sort((a, b) => a.column - b.column)) {
    const start = Math.max(range.column - 1, line.length);
    const length = Math.max(1, Math.min(range.endColumn, text.length + 1) - range.column);
    line = line.padEnd(start, ' ') + '^'.repeat(length);
  }
  return line;
}

/** The whole complaint as plain text: message, place, excerpt, hint. Never a stack trace. */
export function renderProblem(problem: Problem): string {
  const parts = [`error: ${problem.message}`];
  if (problem.place !== undefined) {
    const shown = excerpt(problem.place);
    parts.push('', `  ${placeLabel(problem.place)}`);
    if (shown !== '') parts.push(indent(shown));
  }
  if (problem.hint !== undefined) parts.push('', indent(problem.hint));
  return parts.join('\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

/** A Problem of plain data, so that it crosses a process border without losing its place and hint. */
export interface ProblemJson {
  code: ProblemCode;
  message: string;
  place?: Place | undefined;
  hint?: string | undefined;
  exitCode?: number | undefined;
}

export function problemToJson(problem: Problem): ProblemJson {
  const { code, message, place, hint, exitCode } = problem;
  return { code, message, place, hint, exitCode };
}

export function problemFromJson(json: ProblemJson): Problem {
  return new Problem(json.code, json.message, json);
}

/** The message of anything thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether this is Node's error with that `code` (ENOENT, ECONNREFUSED ...). */
export function hasErrorCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}
