import type { WorkerPool } from './worker-pool.ts';

/** Where a pool belongs; `project` is the id, never the number. */
export interface PoolKey {
  project: string;
  location: string;
  id: string;
}

/** Worker pools as rows. JSON in and out, since build processes ask for them through the owner. */
export interface WorkerPoolRows {
  /** @returns false when there is one of that name */
  create(key: PoolKey, pool: WorkerPool): Promise<boolean>;
  get(key: PoolKey): Promise<WorkerPool | undefined>;
  /** By name; `-` is every location. */
  list(project: string, location: string): Promise<WorkerPool[]>;
  /** @returns false when it isn't there, or is no longer as it was */
  replace(key: PoolKey, before: WorkerPool, after: WorkerPool): Promise<boolean>;
  /** @returns false when there is none */
  remove(key: PoolKey): Promise<boolean>;
  /** Those that have pools: clients name projects by number, and only names can be turned into numbers. */
  projects(): Promise<string[]>;
}
