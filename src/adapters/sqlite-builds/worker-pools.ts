import type { ExpressionBuilder } from 'kysely';
import type { PoolKey, WorkerPoolRows } from '../../builds/pools/pool-rows.ts';
import type { WorkerPool } from '../../builds/pools/worker-pool.ts';
import type { Database } from '../sqlite/database.ts';

type PoolTables = { worker_pools: { project: string; location: string; id: string; pool: string } };

/** Worker pools as rows: the API's message as JSON, by project, location and name. */
export class SqliteWorkerPools implements WorkerPoolRows {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<PoolTables>();
  }

  async create(key: PoolKey, pool: WorkerPool): Promise<boolean> {
    const result = await this.#db
      .insertInto('worker_pools')
      .values({ ...rowOf(key), pool: JSON.stringify(pool) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  async get(key: PoolKey): Promise<WorkerPool | undefined> {
    const row = await this.#db.selectFrom('worker_pools').select('pool').where(at(key)).executeTakeFirst();
    return row && poolOf(row);
  }

  async list(project: string, location: string): Promise<WorkerPool[]> {
    let select = this.#db.selectFrom('worker_pools').select('pool').where('project', '=', project);
    if (location !== '-') select = select.where('location', '=', location);
    return (await select.orderBy('location').orderBy('id').execute()).map(poolOf);
  }

  async replace(key: PoolKey, before: WorkerPool, after: WorkerPool): Promise<boolean> {
    const result = await this.#db
      .updateTable('worker_pools')
      .set({ pool: JSON.stringify(after) })
      .where(at(key))
      // a row is only ever what was written here, so the same pool is the same text
      .where('pool', '=', JSON.stringify(before))
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  async remove(key: PoolKey): Promise<boolean> {
    const result = await this.#db.deleteFrom('worker_pools').where(at(key)).executeTakeFirst();
    return result.numDeletedRows === 1n;
  }

  async projects(): Promise<string[]> {
    const rows = await this.#db.selectFrom('worker_pools').select('project').distinct().execute();
    return rows.map(({ project }) => project);
  }
}

/** The row of a key, as a condition. */
function at(key: PoolKey) {
  return (where: ExpressionBuilder<PoolTables, 'worker_pools'>) => where.and(rowOf(key));
}

function rowOf({ project, location, id }: PoolKey): PoolKey {
  return { project, location, id };
}

function poolOf({ pool }: { pool: string }): WorkerPool {
  return JSON.parse(pool) as WorkerPool;
}
