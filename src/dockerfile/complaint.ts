import { type Place, Problem, type ProblemCode, type Range } from '../lib/problem.ts';

/** The text that places point into, under the name by which the user knows it. */
export interface Source {
  file: string;
  text: string;
}

export interface ComplaintOptions {
  /** Where exactly; absent: the whole instruction. */
  ranges?: Range[] | undefined;
  hint?: string | undefined;
  code?: ProblemCode | undefined;
}

/** Nobody reads more of a word that is as long as a line. */
const LONGEST = 1000;

/**
 * What a stage of the compiler throws: it knows what is wrong and perhaps which words, but not in which file. `locate`
 * is the one place that makes a Problem of it.
 */
export class Complaint extends Error {
  readonly ranges: Range[] | undefined;
  readonly hint: string | undefined;
  readonly code: ProblemCode;

  constructor(message: string, options: ComplaintOptions = {}) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}...` : message);
    this.name = 'Complaint';
    this.ranges = options.ranges;
    this.hint = options.hint;
    this.code = options.code ?? 'invalid';
  }
}

export function placeOf(source: Source, ...ranges: Range[]): Place {
  return { file: source.file, ranges, text: source.text };
}

/**
 * Does a piece of work on behalf of the instruction at `range`; whatever it complains about gets its place here.
 * Problems of the rooms below (a bad image reference, a bad platform) are given the place too.
 * @throws Problem
 */
export function locate<T>(source: Source, range: Range | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const known = range === undefined ? [] : [range];
    if (error instanceof Complaint) {
      const { code, message, hint } = error;
      throw new Problem(code, message, { hint, place: placeOf(source, ...(error.ranges ?? known)) });
    }
    if (error instanceof Problem && error.place === undefined) {
      const { code, message, hint, exitCode } = error;
      throw new Problem(code, message, { hint, exitCode, place: placeOf(source, ...known) });
    }
    throw error;
  }
}
