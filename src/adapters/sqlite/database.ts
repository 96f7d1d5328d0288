import { Kysely, SqliteDialect, sql } from 'kysely';
import Libsql from 'libsql';
import { MIGRATIONS } from './migrations/list.ts';

/** Tables are added by each noun's file: `database.withTables<ContentTables>()`. */
export type Database = Kysely<Record<never, never>>;

/** One step of the schema, forward only; its statements run in one transaction, in the order of the list. */
export interface Migration {
  name: string;
  up: string[];
}

/**
 * Opens the database of a data folder, brought up to date. Only the owner process calls this: from several processes
 * every third transaction was lost to SQLITE_BUSY, and a lock held elsewhere stalls the event loop.
 * `synchronous=FULL` in WAL mode flushes at every commit, so what was acknowledged survives a power cut.
 */
export async function openDatabase(path: string): Promise<Database> {
  const connection = new Libsql(path);
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  const database: Database = new Kysely({
    dialect: new SqliteDialect({
      database: {
        close: () => connection.close(),
        // a deferred transaction that later writes can fail in its middle: take the write lock at the start
        prepare: (text: string) => connection.prepare(text === 'begin' ? 'begin immediate' : text) as never,
      },
    }),
  });
  await migrate(database);
  return database;
}

async function migrate(database: Database): Promise<void> {
  await sql`create table if not exists migrations (name text primary key, at integer not null) strict`.execute(
    database,
  );
  const done = await sql<{ name: string }>`select name from migrations`.execute(database);
  const names = new Set(done.rows.map((row) => row.name));
  for (const migration of MIGRATIONS) {
    if (names.has(migration.name)) continue;
    await database.transaction().execute(async (transaction) => {
      for (const statement of migration.up) await sql.raw(statement).execute(transaction);
      await sql`insert into migrations (name, at) values (${migration.name}, ${Date.now()})`.execute(transaction);
    });
  }
}
