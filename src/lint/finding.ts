import type { Place, Problem } from '../lib/problem.ts';

/** `error`: fails wherever it runs. `warning`: fails for some who run it, or works otherwise than it reads. */
export type Severity = 'error' | 'warning';

export interface Finding {
  severity: Severity;
  message: string;
  place: Place;
  /** What to write instead, in one or several lines. */
  hint?: string | undefined;
}

/** What a compiler complained of, as a finding. */
export function findingOf(problem: Problem, severity: Severity, file: string): Finding {
  const { place, hint } = problem;
  // the place names the file already
  const message = problem.message.startsWith(`${file}: `) ? problem.message.slice(file.length + 2) : problem.message;
  return { severity, message, place: place ?? { file, ranges: [] }, hint };
}
