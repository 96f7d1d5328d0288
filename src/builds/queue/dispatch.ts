import { timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { Build } from '../build.ts';
import { parseDuration } from '../request/duration.ts';
import { type StopReason, stopFailure } from './cancel.ts';
import { deathOf, endOrphan, type RecoverDeps } from './recover.ts';

export interface DispatchDeps extends RecoverDeps {
  /** Name of this worker, for the claims. */
  worker: string;
  /** Builds at a time of a pool, by its key in the queue; empty: of the builds that name none. */
  concurrency(pool: string): number;
  /** Runs a build to its end in a process of its own; rejects when that process died. */
  run(build: Build, signal: AbortSignal): Promise<void>;
  /** Takes down what the container runtime has of dead processes. */
  sweep(): Promise<void>;
}

/** Every build keeps its own time; one that is over it by so much has lost its clock, and is ended from outside. */
const OVERDUE = 60_000;

/** Longest sleep: setTimeout takes 31 bits, and a clock that was set is noticed. */
const LONGEST_SLEEP = 60_000;

/** So often a build whose process ended before it began is tried again: there may be no memory for a process just now. */
const FALSE_STARTS = 2;

/**
 * Takes builds from the queue and has them run, a few at a time. It is woken when something was enqueued or ended, and by
 * a timer when the next waiting build expires; between those it does nothing.
 */
export class BuildDispatcher {
  readonly #deps: DispatchDeps;
  readonly #running = new Map<string, { pool: string; stop: AbortController; done: Promise<void> }>();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;
  #again = false;
  #draining = false;
  #stopped = false;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Whether it takes no more builds, because the server is to end. */
  get draining(): boolean {
    return this.#draining;
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

  /** Takes no more builds, and resolves when what runs has ended or the signal has come. What waits goes on to wait. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    await this.#pumping;
    const enough = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([enough, this.#ended()]);
  }

  /** Takes no more, stops what runs and waits for its end. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pumping;
    for (const { stop } of this.#running.values()) stop.abort('shutdown' satisfies StopReason);
    await this.#ended();
  }

  async #ended(): Promise<void> {
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
    const { queue, clock, worker } = this.#deps;
    for (const pool of await queue.waitingPools())
      while (this.#hasRoom(pool)) {
        const id = await queue.claim(worker, clock.now(), pool);
        if (id === undefined) break;
        this.#start(id, pool);
      }
  }

  #hasRoom(pool: string): boolean {
    if (this.#draining) return false;
    let running = 0;
    for (const each of this.#running.values()) if (each.pool === pool) running++;
    return running < this.#deps.concurrency(pool);
  }

  #start(id: string, pool: string): void {
    const stop = new AbortController();
    const done = this.#run(id, stop)
      .catch((error: unknown) => log.error({ build: id, error: messageOf(error) }, 'build could not be ended'))
      .finally(() => {
        this.#running.delete(id);
        this.wake();
      });
    this.#running.set(id, { pool, stop, done });
  }

  async #run(id: string, stop: AbortController): Promise<void> {
    const { records, queue, run } = this.#deps;
    const build = (await records.get(id))?.build;
    if (build === undefined) return queue.finish(id);
    const overdue = setTimeout(
      () => stop.abort('timeout' satisfies StopReason),
      (parseDuration(build.timeout) ?? 0) + OVERDUE,
    );
    try {
      await run(build, stop.signal);
    } catch (error) {
      return this.#died(id, error, stop.signal);
    } finally {
      clearTimeout(overdue);
    }
    await queue.finish(id);
  }

  /** Its containers, mounts and bridges are nobody's now; the build ends all the same when they can't be taken down. */
  async #died(id: string, error: unknown, signal: AbortSignal): Promise<void> {
    await this.#deps
      .sweep()
      .catch((failure: unknown) => log.error({ build: id, error: messageOf(failure) }, 'leftovers of a build'));
    if (await this.#waitsAgain(id, signal)) return;
    // a process that didn't stop when it was asked to has been killed: it ends as what it was asked for
    const failure = signal.aborted
      ? stopFailure(signal.reason)
      : deathOf(`the build's process ended too early: ${messageOf(error)}`);
    await endOrphan(id, failure, this.#deps);
  }

  /** A build that hadn't begun goes back to its place: when the server ends, for its next start. */
  async #waitsAgain(id: string, signal: AbortSignal): Promise<boolean> {
    const { records, queue } = this.#deps;
    if ((await records.get(id))?.build.status !== 'QUEUED') return false;
    if (signal.aborted && signal.reason !== 'shutdown') return false;
    return (await queue.release(id)) <= FALSE_STARTS || signal.aborted;
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
