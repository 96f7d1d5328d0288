import { randomUUID } from 'node:crypto';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import { projectNumber } from '../project-number.ts';
import { formatPoolName } from './pool-name.ts';
import type { PoolKey, WorkerPoolRows } from './pool-rows.ts';
import type { WorkerPool, WorkerPoolRequest } from './worker-pool.ts';

const ID = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The worker pools that projects have made, and the rules of the API about them. */
export class WorkerPools {
  readonly #rows: WorkerPoolRows;
  readonly #clock: Clock;

  constructor(rows: WorkerPoolRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /** @throws Problem `invalid` for the id, `conflict` when there is one */
  async create(key: PoolKey, request: WorkerPoolRequest): Promise<WorkerPool> {
    if (!ID.test(key.id))
      throw new Problem('invalid', `invalid worker pool id ${JSON.stringify(key.id)}`, {
        hint: 'Write 1 to 63 lower-case letters, digits and dashes, beginning with a letter.',
      });
    const pool: WorkerPool = {
      ...request,
      name: formatPoolName({ ...key, project: projectNumber(key.project) }),
      uid: randomUUID(),
      createTime: timestamp(this.#clock.now()),
      state: 'RUNNING',
    };
    if (!(await this.#rows.create(key, pool)))
      throw new Problem('conflict', `Resource '${formatPoolName(key)}' already exists`);
    return pool;
  }

  /** @throws Problem `not-found` */
  async get(key: PoolKey): Promise<WorkerPool> {
    const pool = await this.#rows.get(key);
    if (pool === undefined) throw new Problem('not-found', 'Requested entity was not found.');
    return pool;
  }

  list(project: string, location: string): Promise<WorkerPool[]> {
    return this.#rows.list(project, location);
  }

  projects(): Promise<string[]> {
    return this.#rows.projects();
  }

  /**
   * @param mask fields that change, as the API writes them (`private_pool_v1_config.worker_config.machine_type`); empty: all
   * @throws Problem `not-found`, `invalid` for a field that can't change, `conflict` when another change came between
   */
  async update(key: PoolKey, request: WorkerPoolRequest, mask: readonly string[]): Promise<WorkerPool> {
    const before = await this.get(key);
    const changed =
      mask.length === 0
        ? { ...before, ...request }
        : mask.reduce((pool, path) => withField(pool, request, path), before);
    const after = { ...changed, updateTime: timestamp(this.#clock.now()) };
    if (!(await this.#rows.replace(key, before, after)))
      throw new Problem('conflict', `${formatPoolName(key)} was changed meanwhile`, { hint: 'Try again.' });
    return after;
  }

  /** @throws Problem `not-found` */
  async remove(key: PoolKey): Promise<void> {
    if (!(await this.#rows.remove(key))) throw new Problem('not-found', 'Requested entity was not found.');
  }
}

const MUTABLE = ['displayName', 'annotations', 'privatePoolV1Config'];

/** The pool with one field as the request has it; absent there is absent then. */
function withField(pool: WorkerPool, request: WorkerPoolRequest, path: string): WorkerPool {
  const fields = path
    .split('.')
    .map((part) => part.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
  if (!MUTABLE.includes(fields[0] ?? ''))
    throw new Problem('invalid', `${JSON.stringify(path)} of a worker pool cannot be updated`, {
      hint: 'For example privatePoolV1Config.workerConfig.machineType.',
    });
  return replaced(pool, request, fields) as WorkerPool;
}

function replaced(target: unknown, source: unknown, [field = '', ...rest]: string[]): object {
  const value = member(source, field);
  return {
    ...(typeof target === 'object' ? target : {}),
    [field]: rest.length === 0 ? value : replaced(member(target, field), value, rest),
  };
}

function member(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
  return (value as Record<string, unknown>)[field];
}
