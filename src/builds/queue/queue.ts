import type { Priority } from './priority.ts';

/** A build's place in the queue. */
export interface QueueEntry {
  id: string;
  project: string;
  /** Key of the pool that it asks for (pools/pool-name.ts); empty: the builds that name none. */
  pool: string;
  priority: Priority;
  /** Milliseconds since 1970 after which nobody may claim it. */
  expiresAt: number;
}

/** What a worker has in hand. */
export interface Claim {
  id: string;
  worker: string;
}

/**
 * Builds that wait for a worker. A row is there from enqueue to finish; `worker` says whose it is.
 *
 * Each pool is a queue of its own. In it, projects take turns: however many builds one project has waiting, another one's
 * first comes next but one. Within a turn `high` comes before `normal`, so that it overtakes the builds of its own project
 * and not those of others; `low` comes when nothing else waits. Builds of one project and priority come in the order in
 * which they were enqueued (decision 0031).
 *
 * A claim outlives its worker: what a dead one left is found by `claims` and ended by recover.ts, because a build's steps
 * have effects and must not run twice; only one whose steps had not begun is given back (`release`).
 */
export interface BuildQueue {
  /** Durable when it resolves; a second time changes nothing. */
  enqueue(entry: QueueEntry): Promise<void>;
  /** The next of the pool that hasn't expired, now the worker's; undefined when there is none. */
  claim(worker: string, now: number, pool: string): Promise<string | undefined>;
  /** Gives back one that was claimed and has not begun; it keeps its place. @returns how often that happened to it */
  release(id: string): Promise<number>;
  /** Takes out one that nobody has claimed yet; false when it is claimed or not there. */
  withdraw(id: string): Promise<boolean>;
  /** The build has ended. */
  finish(id: string): Promise<void>;
  /** Takes those out that waited too long. */
  expire(now: number): Promise<string[]>;
  /** What workers have in hand. */
  claims(): Promise<Claim[]>;
  /** Pools for which something waits. */
  waitingPools(): Promise<string[]>;
  /** How many wait, in all pools. */
  waiting(): Promise<number>;
  /** Milliseconds since 1970 when the next waiting one expires. */
  nextExpiry(): Promise<number | undefined>;
  /** Builds that are QUEUED or WORKING and have no row here: their owner died between the two writes. */
  strays(): Promise<string[]>;
}
