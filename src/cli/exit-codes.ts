import type { Problem } from '../lib/problem.ts';

/** What the shell learns; the same for every command. */
export const EXIT = { done: 0, failed: 1, misuse: 2, unreachable: 3 } as const;

/** The exit code that a complaint ends the command with. */
export function exitCodeOf(problem: Problem): number {
  if (problem.code === 'unavailable') return EXIT.unreachable;
  return EXIT.failed;
}
