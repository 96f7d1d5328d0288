import { Problem } from './problem.ts';

/** What whoever waits for work gets when the work was called off. */
export function cancelled(cause?: unknown): Problem {
  return new Problem('cancelled', 'cancelled', { cause });
}

/** @throws Problem `cancelled` */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

/** What work met while it was being cancelled is a consequence of that and no reason. */
export function orCancelled(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? cancelled(error) : error;
}
