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
 * Processes for builds, one build each, a few of them started ahead so that a build doesn't wait for Node; and one that
 * stays, for the person at the keyboard: its context indexes and caches are warm.
 */
export class WorkerPool {
  readonly #data: string;
  readonly #listen: string;
  readonly #spare: number;
  readonly #waiting: WorkerProcess[] = [];
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

  /** One call in a process of its own, which ends with it. */
  async once(name: string, args: unknown[], signal: AbortSignal): Promise<unknown> {
    const worker = this.#take();
    this.#busy.add(worker);
    this.#fillSoon();
    let overdue: NodeJS.Timeout | undefined;
    const asked = () => {
      overdue = setTimeout(() => worker.kill(), signal.reason === 'shutdown' ? LAST_GRACE_MS : GRACE_MS);
    };
    signal.addEventListener('abort', asked, { once: true });
    try {
      return await worker.call(name, args, () => undefined, signal);
    } finally {
      signal.removeEventListener('abort', asked);
      clearTimeout(overdue);
      await worker.stop(LAST_GRACE_MS);
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
    if (this.#resident === undefined || !this.#resident.alive) this.#resident = this.#take();
    this.#fillSoon();
    return this.#resident.call(name, args, onEvent, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    const all = [...this.#waiting.splice(0), ...this.#busy];
    if (this.#resident !== undefined) all.push(this.#resident);
    await Promise.all(all.map((worker) => worker.stop(LAST_GRACE_MS)));
  }

  #take(): WorkerProcess {
    if (this.#closed) throw new Problem('unavailable', 'the server is shutting down');
    for (let worker = this.#waiting.shift(); worker !== undefined; worker = this.#waiting.shift())
      if (worker.alive) return worker;
    return new WorkerProcess(this.#data, this.#listen);
  }

  #fillSoon(): void {
    if (this.#waiting.length >= this.#spare) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => this.#fill(), REFILL_MS);
    this.#refill.unref();
  }

  #fill(): void {
    while (!this.#closed && this.#waiting.length < this.#spare)
      this.#waiting.push(new WorkerProcess(this.#data, this.#listen));
  }
}
