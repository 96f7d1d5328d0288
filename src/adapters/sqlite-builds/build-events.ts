import { type Generated, type QueryExecutorProvider, sql } from 'kysely';
import type { Build } from '../../builds/build.ts';
import type { BuildEvent, BuildEvents } from '../../builds/notify/build-events.ts';
import type { Database } from '../sqlite/database.ts';

type EventTables = { build_events: { id: Generated<number>; at: number; build: string } };

/** Transitions of builds as rows. */
export class SqliteBuildEvents implements BuildEvents {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<EventTables>();
  }

  async after(id: number, limit: number): Promise<BuildEvent[]> {
    const rows = await this.#db
      .selectFrom('build_events')
      .selectAll()
      .where('id', '>', id)
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(({ id: number, at, build }) => ({ id: number, at, build: JSON.parse(build) as Build }));
  }

  /** What was forgotten counts, or a new receiver would take the place of one that is gone. */
  async latest(): Promise<number> {
    const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = 'build_events'`.execute(
      this.#db,
    );
    return rows[0]?.seq ?? 0;
  }

  async passed(id: number): Promise<void> {
    await this.#db.deleteFrom('build_events').where('id', '<=', id).execute();
  }
}

/** Writes one, in the transaction of its change. @param build as JSON */
export async function writeBuildEvent(transaction: QueryExecutorProvider, at: number, build: string): Promise<void> {
  await sql`insert into build_events (at, build) values (${at}, ${build})`.execute(transaction);
}
