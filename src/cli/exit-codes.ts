import { constants } from 'node:os';
import type { Problem } from '../lib/problem.ts';
import { Unreachable } from './unreachable.ts';
import { UsageProblem } from './usage-problem.ts';

/** What the shell learns; the same for every command. */
export const EXIT = { done: 0, failed: 1, misuse: 2, unreachable: 3 } as const;

/** The exit code that a complaint ends the command with. */
export function exitCodeOf(problem: Problem): number {
  if (problem instanceof UsageProblem) return EXIT.misuse;
  if (problem instanceof Unreachable) return EXIT.unreachable;
  return EXIT.failed;
}

/** What shells say of a command that a signal ended: 130 after Ctrl-C. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
