/**
 * Builds that wait for a worker, in the order in which they came. A row is there from enqueue to finish; `worker` says
 * whose it is. A claim outlives its worker: what a dead one left is found by `claims` and ended by recover.ts, because
 * a build's steps have effects and must not run twice.
 */
export interface BuildQueue {
  /** @param expiresAt milliseconds since 1970 after which nobody may claim it */
  enqueue(id: string, expiresAt: number): Promise<void>;
  /** The oldest that waits and hasn't expired, now the worker's; undefined when there is none. */
  claim(worker: string, now: number): Promise<string | undefined>;
  /** Takes out one that nobody has claimed yet; false when it is claimed or not there. */
  withdraw(id: string): Promise<boolean>;
  /** The build has ended. */
  finish(id: string): Promise<void>;
  /** Takes those out that waited too long. */
  expire(now: number): Promise<string[]>;
  /** What workers have in hand. */
  claims(): Promise<{ id: string; worker: string }[]>;
  /** Milliseconds since 1970 when the next waiting one expires. */
  nextExpiry(): Promise<number | undefined>;
}
