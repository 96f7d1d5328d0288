import type { ContainerRequest } from '../container-request.ts';

/** Milliseconds before the first start after an end; doubled each time, as docker does. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
/** Who ran so long begins anew with the short delay. */
const LONG_ENOUGH = 10_000;

export interface EndedRun {
  exitCode: number;
  /** How long it ran, in milliseconds. */
  lasted: number;
  stoppedByHand: boolean;
  /** How often it was started again without anybody asking. */
  restarts: number;
}

/** Whether a container that ended is started again. */
export function startsAgain(restart: ContainerRequest['restart'], run: Omit<EndedRun, 'lasted'>): boolean {
  if (run.stoppedByHand) return false;
  switch (restart.policy) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return run.exitCode !== 0 && (restart.retries === 0 || run.restarts < restart.retries);
    case 'no':
      return false;
  }
}

/** The same when everything begins again: `always` means those too that somebody stopped. */
export function startsWithServer(restart: ContainerRequest['restart'], run: Omit<EndedRun, 'lasted'>): boolean {
  return startsAgain(restart, restart.policy === 'always' ? { ...run, stoppedByHand: false } : run);
}

/** How long to wait before the next start. */
export class RestartDelay {
  #next = FIRST_DELAY;

  after(lasted: number): number {
    if (lasted >= LONG_ENOUGH) this.#next = FIRST_DELAY;
    const delay = this.#next;
    this.#next = Math.min(LONGEST_DELAY, delay * 2);
    return delay;
  }
}
