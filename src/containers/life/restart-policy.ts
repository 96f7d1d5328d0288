import type { ContainerRequest } from '../container-request.ts';

export interface EndedRun {
  exitCode: number;
  stoppedByHand: boolean;
  /** How often it was started again without anybody asking. */
  restarts: number;
}

/** Whether a container that ended is started again. */
export function startsAgain(restart: ContainerRequest['restart'], run: EndedRun): boolean {
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
export function startsWithServer(restart: ContainerRequest['restart'], run: EndedRun): boolean {
  return startsAgain(restart, restart.policy === 'always' ? { ...run, stoppedByHand: false } : run);
}
