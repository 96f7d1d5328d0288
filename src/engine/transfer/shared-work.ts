import { cancelled, throwIfCancelled } from '../../lib/cancelled.ts';

/**
 * Work that several callers want at once is done once. It is cancelled only when every one of them has gone, so a build
 * that is cancelled doesn't take a download away from another.
 */
export class SharedWork<K, T> {
  readonly #running = new Map<K, Running<T>>();

  async do(key: K, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    throwIfCancelled(signal);
    let running = this.#running.get(key);
    if (running === undefined) {
      const abort = new AbortController();
      running = { result: work(abort.signal), abort, waiting: 0 };
      this.#running.set(key, running);
      const ended = running;
      // whoever waits hears how; when nobody is left, nobody needs to
      running.result.catch(() => undefined).finally(() => this.#forget(key, ended));
    }
    const mine = running;
    mine.waiting++;
    try {
      return await unlessAborted(mine.result, signal);
    } finally {
      mine.waiting--;
      if (mine.waiting === 0) {
        this.#forget(key, mine); // whoever comes from now on must not be given what is being cancelled
        mine.abort.abort();
      }
    }
  }

  #forget(key: K, ended: Running<T>): void {
    if (this.#running.get(key) === ended) this.#running.delete(key);
  }
}

interface Running<T> {
  result: Promise<T>;
  abort: AbortController;
  waiting: number;
}

/** Stops waiting when the signal is given; the work itself goes on. @throws Problem `cancelled` */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled());
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
