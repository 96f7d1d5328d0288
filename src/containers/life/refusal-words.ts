import { Problem } from '../../lib/problem.ts';

/** What is in front of runc's own words when docker says that a program could not be run. */
const BEFORE = {
  start: 'failed to create shim task: OCI runtime create failed: runc create failed: ',
  exec: 'OCI runtime exec failed: exec failed: ',
} as const;

/** A program that could not be run (126 or 127), as docker says it; anything else as it is. */
export function inDockersWords(error: unknown, what: keyof typeof BEFORE): unknown {
  if (!(error instanceof Problem) || error.exitCode === undefined) return error;
  const { code, message, exitCode } = error;
  return new Problem(code, `${BEFORE[what]}${message}: unknown`, { exitCode, cause: error });
}
