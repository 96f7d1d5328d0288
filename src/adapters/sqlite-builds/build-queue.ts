import { type Generated, sql } from 'kysely';
import type { BuildQueue, Claim, QueueEntry } from '../../builds/queue/queue.ts';
import type { Database } from '../sqlite/database.ts';

type QueueTables = {
  build_queue: {
    position: Generated<number>;
    id: string;
    project: string;
    pool: string;
    lane: number;
    turn: number;
    rank: number;
    expires_at: number;
    worker: string | null;
    released: Generated<number>;
  };
};

/**
 * The queue as rows. Fairness is decided once, when a build comes: it gets the number of a round (`turn`), one after the last
 * of its project and never before the round that is on. A claim takes the first of an index, however many wait.
 */
export class SqliteBuildQueue implements BuildQueue {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<QueueTables>();
  }

  async enqueue({ id, project, pool, priority, expiresAt }: QueueEntry): Promise<void> {
    const lane = priority === 'low' ? 1 : 0;
    const rank = priority === 'high' ? 0 : 1;
    const own = sql`select max(turn) + 1 from build_queue
      where pool = ${pool} and lane = ${lane} and project = ${project} and rank = ${rank}`;
    const round = sql`select turn from build_queue where pool = ${pool} and lane = ${lane} and worker is null
      order by turn limit 1`;
    // nobody waits: the round of those at work
    const last = sql`select max(turn) from build_queue where pool = ${pool} and lane = ${lane}`;
    await sql`insert into build_queue (id, project, pool, lane, turn, rank, expires_at)
      values (${id}, ${project}, ${pool}, ${lane},
        max(coalesce((${own}), 0), coalesce((${round}), (${last}), 0)), ${rank}, ${expiresAt})
      on conflict (id) do nothing`.execute(this.#db);
  }

  async claim(worker: string, now: number, pool: string): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`update build_queue set worker = ${worker} where position = (
        select position from build_queue where pool = ${pool} and worker is null and expires_at > ${now}
        order by lane, turn, rank, position limit 1
      ) returning id`.execute(this.#db);
    return rows[0]?.id;
  }

  async release(id: string): Promise<number> {
    const { rows } = await sql<{ released: number }>`update build_queue set worker = null, released = released + 1
      where id = ${id} returning released`.execute(this.#db);
    return rows[0]?.released ?? 0;
  }

  async withdraw(id: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('build_queue')
      .where('id', '=', id)
      .where('worker', 'is', null)
      .executeTakeFirst();
    return result.numDeletedRows === 1n;
  }

  async finish(id: string): Promise<void> {
    await this.#db.deleteFrom('build_queue').where('id', '=', id).execute();
  }

  async expire(now: number): Promise<string[]> {
    const rows = await this.#db
      .deleteFrom('build_queue')
      .where('worker', 'is', null)
      .where('expires_at', '<=', now)
      .returning('id')
      .execute();
    return rows.map((row) => row.id);
  }

  async claims(): Promise<Claim[]> {
    const rows = await this.#db
      .selectFrom('build_queue')
      .select(['id', 'worker'])
      .where('worker', 'is not', null)
      .orderBy('position')
      .execute();
    return rows.map(({ id, worker }) => ({ id, worker: worker ?? '' }));
  }

  /** From one name to the next in the index, so that the time goes by pools and not by builds. */
  async waitingPools(): Promise<string[]> {
    const { rows } = await sql<{ pool: string }>`with recursive names (pool) as (
        select min(pool) from build_queue where worker is null
        union all
        select (select min(pool) from build_queue where worker is null and pool > names.pool) from names
          where names.pool is not null
      ) select pool from names where pool is not null`.execute(this.#db);
    return rows.map(({ pool }) => pool);
  }

  async waiting(): Promise<number> {
    const row = await this.#db
      .selectFrom('build_queue')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('worker', 'is', null)
      .executeTakeFirstOrThrow();
    return row.count;
  }

  async nextExpiry(): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('build_queue')
      .select((select) => select.fn.min('expires_at').as('at'))
      .where('worker', 'is', null)
      .executeTakeFirst();
    return row?.at ?? undefined;
  }

  async strays(): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`select id from builds where status in ('QUEUED', 'WORKING')
      and not exists (select 1 from build_queue where build_queue.id = builds.id)`.execute(this.#db);
    return rows.map(({ id }) => id);
  }
}
