import { Problem } from '../lib/problem.ts';
import { WorkerProcess } from './worker-process.ts';

/** After it was asked to stop, a build has this long to take down what it has; then its process is killed. Milliseconds. */
const GRACE_MS = 20_000;
/** The same when the server itself is to end, for which service managers wait a limited time. */
const LAST_GRACE_MS = 5_000;

/**
 * A process that was taken is replaced after this time, and not at once: starting Node takes as much processor time as a
 * small build, from which it would be taken, and memory. Milliseconds.
 */
const REFILL_MS = 1500;

/**
 * So long a process that has done its work waits for more of the same owner. Starting one costs 0.8 s of processor time, which
 * was most of what a small build cost, and its code is compiled by then. Milliseconds.
 */
const IDLE_MS = 15_000;
/** The same when as many wait already as are to: until the queue has given the next build. Milliseconds. */
const SURPLUS_MS = 1000;
/** After so many calls it ends, with whatever it has gathered. */
const MOST_CALLS = 50;

/** A process that waits for work. */
interface Waiting {
  worker: WorkerProcess;
  /** Whose work it did; undefined when it is new. */
  owner: string | undefined;
  calls: number;
  idle?: NodeJS.Timeout;
}

/**
 * Processes for builds, one build each at a time, a few of them started ahead so that a build doesn't wait for Node; and one
 * that stays, for the person at the keyboard: its context indexes and caches are warm. A process works for one owner only,
 * so that nothing one project left in memory is at hand for another.
 */
export class WorkerPool {
  readonly #data: string;
  readonly #listen: string;
  readonly #spare: number;
  readonly #waiting = new Set<Waiting>();
  readonly #busy = new Set<WorkerProcess>();
  #resident: WorkerProcess | undefined;
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param listen where the server really listens, which names of images may begin with
   * @param spare how many wait for the next build
   */
  constructor(data: string, listen: string, spare: number) {
    this.#data = data;
    this.#listen = listen;
    this.#spare = spare;
    this.#fill();
  }

  /**
   * One call in a process that does nothing else meanwhile. One that failed or was stopped ends its process.
   * @param owner for whom: its next call may have the same process
   */
  async once(name: string, args: unknown[], signal: AbortSignal, owner: string): Promise<unknown> {
    const { worker, calls } = this.#take(owner);
    this.#busy.add(worker);
    this.#fillSoon();
    let overdue: NodeJS.Timeout | undefined;
    const asked = () => {
      overdue = setTimeout(() => worker.kill(), signal.reason === 'shutdown' ? LAST_GRACE_MS : GRACE_MS);
    };
    signal.addEventListener('abort', asked, { once: true });
    let whole = false;
    try {
      const value = await worker.call(name, args, () => undefined, signal);
      whole = !signal.aborted;
      return value;
    } finally {
      signal.removeEventListener('abort', asked);
      clearTimeout(overdue);
      if (whole && worker.alive && !this.#closed && calls + 1 < MOST_CALLS)
        this.#rest({ worker, owner, calls: calls + 1 });
      else await worker.stop(LAST_GRACE_MS);
      this.#busy.delete(worker);
    }
  }

  /** One call in the process that stays; one that died is replaced by the next call. */
  async resident(
    name: string,
    args: unknown[],
    onEvent: (event: unknown) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (this.#resident === undefined || !this.#resident.alive) this.#resident = this.#take(undefined).worker;
    this.#fillSoon();
    return this.#resident.call(name, args, onEvent, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    const all = [...[...this.#waiting].map((waiting) => this.#wake(waiting).worker), ...this.#busy];
    if (this.#resident !== undefined) all.push(this.#resident);
    await Promise.all(all.map((worker) => worker.stop(LAST_GRACE_MS)));
  }

  /** One that has worked for the owner before, or a new one. */
  #take(owner: string | undefined): Waiting {
    if (this.#closed) throw new Problem('unavailable', 'the server is shutting down');
    for (const wanted of new Set([owner, undefined]))
      for (const waiting of this.#waiting) {
        if (waiting.owner !== wanted) continue;
        this.#wake(waiting);
        if (waiting.worker.alive) return waiting;
      }
    return { worker: new WorkerProcess(this.#data, this.#listen), owner: undefined, calls: 0 };
  }

  #rest(waiting: Waiting): void {
    this.#waiting.add(waiting);
    const patience = this.#waiting.size > this.#spare ? SURPLUS_MS : IDLE_MS;
    waiting.idle = setTimeout(() => {
      this.#waiting.delete(waiting);
      void waiting.worker.stop(LAST_GRACE_MS);
      this.#fillSoon();
    }, patience);
    waiting.idle.unref();
  }

  #wake(waiting: Waiting): Waiting {
    this.#waiting.delete(waiting);
    clearTimeout(waiting.idle);
    return waiting;
  }

  #fillSoon(): void {
    if (this.#waiting.size >= this.#spare) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => this.#fill(), REFILL_MS);
    this.#refill.unref();
  }

  #fill(): void {
    while (!this.#closed && this.#waiting.size < this.#spare)
      this.#waiting.add({ worker: new WorkerProcess(this.#data, this.#listen), owner: undefined, calls: 0 });
  }
}
