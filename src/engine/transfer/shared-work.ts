import { Problem } from '../../lib/problem.ts';

/**
 * Work that several callers want at once is done once. It is cancelled only when every one of them has gone, so a build
 * that is cancelled doesn't take a download away from another.
 */
export class SharedWork<K, T> {
  readonly #running = new Map<K, { result: Promise<T>; abort: AbortController; waiting: number }>();

  async do(key: K, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal.aborted) throw new Problem('cancelled', 'cancelled');
    let running = this.#running.get(key);
    if (running === undefined) {
      const abort = new AbortController();
      running = { result: work(abort.signal).finally(() => this.#running.delete(key)), abort, waiting: 0 };
      running.result.catch(() => undefined); // whoever waits hears of it; when nobody is left, nobody needs to
      this.#running.set(key, running);
    }
    const mine = running;
    mine.waiting++;
    try {
      return await abortable(mine.result, signal);
    } finally {
      mine.waiting--;
      if (mine.waiting === 0) mine.abort.abort();
    }
  }
}

/** Stops waiting when the signal is given; the work itself goes on. @throws Problem `cancelled` */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Problem('cancelled', 'cancelled'));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
