import { timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { Build } from '../build.ts';
import { parseDuration } from '../request/duration.ts';
import type { StopReason } from './cancel.ts';
import { endOrphan, type RecoverDeps } from './recover.ts';

export interface DispatchDeps extends RecoverDeps {
  /** Name of this worker, for the claims. */
  worker: string;
  /** Builds at a time. */
  concurrency: number;
  /** Runs a build to its end in a process of its own; rejects when that process died. */
  run(build: Build, signal: AbortSignal): Promise<void>;
  /** Takes down what the container runtime has of dead processes. */
  sweep(): Promise<void>;
}

/** Every build keeps its own time; one that is over it by so much has lost its clock, and is ended from outside. */
const OVERDUE = 60_000;

/** Longest sleep: setTimeout takes 31 bits, and a clock that was set is noticed. */
const LONGEST_SLEEP = 60_000;

/**
 * Takes builds from the queue and has them run, a few at a time. It is woken when something was enqueued or ended, and by
 * a timer when the next waiting build expires; between those it does nothing.
 */
export class BuildDispatcher {
  readonly #deps: DispatchDeps;
  readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Look at the queue: something may have changed. */
  wake(): void {
    this.#again = true;
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
    });
  }

  /** Asks a running build to stop; false when this worker doesn't have it. */
  cancel(id: string): boolean {
    const running = this.#running.get(id);
    running?.stop.abort('user' satisfies StopReason);
    return running !== undefined;
  }

  /** Takes no more, stops what runs and waits for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pumping;
    for (const { stop } of this.#running.values()) stop.abort('shutdown' satisfies StopReason);
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #pump(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#expire();
        await this.#claim();
        await this.#sleep();
      } catch (error) {
        log.error({ error: messageOf(error) }, 'the build queue cannot be read; trying again in a second');
        this.#wakeIn(1000);
      }
    }
  }

  async #claim(): Promise<void> {
    const { queue, records, clock, worker, concurrency } = this.#deps;
    while (this.#running.size < concurrency && !this.#stopped) {
      const id = await queue.claim(worker, clock.now());
      if (id === undefined) return;
      const record = await records.get(id);
      if (record === undefined) await queue.finish(id);
      else this.#start(record.build);
    }
  }

  #start(build: Build): void {
    const stop = new AbortController();
    const overdue = setTimeout(
      () => stop.abort('timeout' satisfies StopReason),
      (parseDuration(build.timeout) ?? 0) + OVERDUE,
    );
    const done = this.#deps
      .run(build, stop.signal)
      .then(
        () => this.#deps.queue.finish(build.id),
        (error: unknown) => this.#died(build.id, error),
      )
      .catch((error: unknown) => log.error({ build: build.id, error: messageOf(error) }, 'build could not be ended'))
      .finally(() => {
        clearTimeout(overdue);
        this.#running.delete(build.id);
        this.wake();
      });
    this.#running.set(build.id, { stop, done });
  }

  /** Its containers, mounts and bridges are nobody's now; the build ends all the same when they can't be taken down. */
  async #died(id: string, error: unknown): Promise<void> {
    await this.#deps
      .sweep()
      .catch((failure: unknown) => log.error({ build: id, error: messageOf(failure) }, 'leftovers of a build'));
    await endOrphan(id, `the build's process ended too early: ${messageOf(error)}`, this.#deps);
  }

  async #expire(): Promise<void> {
    const { queue, records, logs, clock } = this.#deps;
    for (const id of await queue.expire(clock.now())) {
      const ttl = (await records.get(id))?.build.queueTtl;
      const reason = `no worker was free within the queueTtl of ${ttl}`;
      const writer = logs.writer(id);
      writer.append(`EXPIRED\nERROR: ${reason}\n`);
      await writer.close();
      await records.update(id, ['QUEUED'], {
        status: 'EXPIRED',
        statusDetail: reason,
        finishTime: timestamp(clock.now()),
      });
    }
  }

  async #sleep(): Promise<void> {
    const next = await this.#deps.queue.nextExpiry();
    if (next !== undefined) this.#wakeIn(Math.max(1, next - this.#deps.clock.now()));
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.wake(), Math.min(ms, LONGEST_SLEEP));
    this.#timer.unref();
  }
}
