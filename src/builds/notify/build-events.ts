import type { Build } from '../build.ts';

/** A build has come into a status. */
export interface BuildEvent {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  /** As it was then. */
  build: Build;
}

/**
 * What became of builds, in order, kept until everybody who is to be told has been. An event is written in the transaction of
 * its change, once for each status that a build comes into, and only where somebody is to be told.
 */
export interface BuildEvents {
  after(id: number, limit: number): Promise<BuildEvent[]>;
  /** Id of the last that was written; 0 before the first. */
  latest(): Promise<number>;
  /** Forgets those up to this one. */
  passed(id: number): Promise<void>;
}
