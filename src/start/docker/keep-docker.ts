import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { WorkerPool } from '../worker-pool.ts';
import { removeStale } from './docker-socket.ts';
import { STOP_SECONDS } from './houses.ts';
import type { DockerPlaces } from './serve-docker.ts';

/** Before the first try again, doubled each time up to the last. Milliseconds. */
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
/** A door that was open so long was well: the next wait is the first again. Milliseconds. */
const WELL_MS = 60_000;
/** For the door to end in order, its containers among it; then its process is ended. Milliseconds. */
const CLOSE_MS = STOP_SECONDS * 1000 + 5_000;
/** So often it is tried before the server goes on without: the last one's process may be about to end. */
const TRIES = 3;

export interface KeptDocker {
  /** When the door is open, or could not be opened in some tries, which the log tells. */
  settled: Promise<void>;
  close(): Promise<void>;
}

/**
 * Keeps the docker door open in the resident worker: when that process dies, its containers with it, it is opened in the next.
 * @param sweep clears away what the dead process left
 */
export function keepDocker(pool: WorkerPool, places: DockerPlaces, sweep: () => Promise<unknown>): KeptDocker {
  const ending = new AbortController();
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const opened = (at: unknown) => {
    log.info({ socket: places.socket, ...(at as object) }, 'the docker door is open');
    settle();
  };
  let failures = 0;
  const keep = async () => {
    for (let wait = FIRST_WAIT_MS; !ending.signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const since = Date.now();
      try {
        await pool.resident('serveDocker', [places], opened, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return;
        log.error({ error: messageOf(error), socket: places.socket }, 'the docker door closed; it is opened again');
        if (Date.now() - since > WELL_MS) wait = FIRST_WAIT_MS;
        if (++failures >= TRIES) settle();
        await sleep(wait, undefined, { signal: ending.signal }).catch(() => undefined);
        await sweep().catch((failure: unknown) => log.error({ error: messageOf(failure) }, 'docker: leftovers'));
      }
    }
  };
  const kept = keep();
  return {
    settled,
    async close() {
      ending.abort('shutdown');
      await Promise.race([kept, sleep(CLOSE_MS, undefined, { ref: false })]);
      // of a process that was killed; what is another program's stays
      await removeStale(places.socket).catch(() => undefined);
    },
  };
}
