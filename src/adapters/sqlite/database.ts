import { chmodSync, closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, SqliteDialect, type SqliteStatement, sql } from 'kysely';
import Libsql from 'libsql';
import { diskProblem } from '../../lib/disk-problem.ts';
import { Problem } from '../../lib/problem.ts';
import { DirectRows, giveDirectAccess } from './direct-rows.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { StatementCache } from './statement-cache.ts';

/** Tables are added by each noun's file: `database.withTables<ContentTables>()`. */
export type Database = Kysely<Record<never, never>>;

/**
 * Pages in the log before they are copied into the database, 16 MB. A push changes some thirty, most of them the same as the
 * push before: copied four times as seldom as SQLite would by itself, they are written once where they were written four times.
 */
const CHECKPOINT_PAGES = 4000;

/**
 * Opens the database of a data folder, brought up to date. Only the owner process calls this: from several processes
 * every third transaction was lost to SQLITE_BUSY, and a lock held elsewhere stalls the event loop.
 * `synchronous=FULL` in WAL mode flushes at every commit, so what was acknowledged survives a power cut. On a full disk
 * every statement that writes is a Problem `exhausted`.
 * @throws Problem `conflict` when a later version of Slipway has changed the schema already
 */
export async function openDatabase(path: string): Promise<Database> {
  // SQLite gives its log and index the mode of the database, and a new database whatever the umask leaves
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const connection = new Libsql(path);
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  let reader: Libsql.Database | undefined;
  // the writer goes last: whoever does moves the log into the database
  const close = () => {
    reader?.close();
    connection.close();
  };
  const statements = new StatementCache((text) => prepare(connection, text, dirname(path)));
  const database: Database = new Kysely({
    dialect: new SqliteDialect({
      database: { close, prepare: (text) => statements.prepare(text) },
    }),
  });
  try {
    await migrate(database, path);
  } catch (error) {
    await database.destroy();
    throw error;
  }
  reader = readerOf(path);
  const folder = dirname(path);
  giveDirectAccess(database, {
    committed: new DirectRows(reader, folder),
    changing: new DirectRows(connection, folder),
  });
  return database;
}

/** A second connection: what it reads is committed, and no transaction of the first holds it up. */
function readerOf(path: string): Libsql.Database {
  const reader = new Libsql(path);
  reader.pragma('query_only = ON');
  return reader;
}

/** As kysely's SQLite driver wants it, with the errors of a full disk made understandable. */
function prepare(connection: Libsql.Database, text: string, folder: string): SqliteStatement {
  const understood = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw diskProblem(error, folder);
    }
  };
  // a deferred transaction that later writes can fail in its middle: take the write lock at the start
  if (text === 'begin') return connection.prepare('begin immediate') as unknown as SqliteStatement;
  const statement = connection.prepare(text) as unknown as SqliteStatement;
  return {
    reader: statement.reader,
    all: (parameters) => understood(() => statement.all(parameters)),
    run: (parameters) => {
      // a full disk has rolled back already; a second error would hide the first
      if (text === 'rollback' && !connection.inTransaction) return { changes: 0, lastInsertRowid: 0 };
      return understood(() => statement.run(parameters));
    },
    // one of its own: rows are taken while others ask the same
    iterate: (parameters) => (connection.prepare(text) as unknown as SqliteStatement).iterate(parameters),
  };
}

async function migrate(database: Database, path: string): Promise<void> {
  await sql`create table if not exists migrations (name text primary key, at integer not null) strict`.execute(
    database,
  );
  const done = await sql<{ name: string }>`select name from migrations`.execute(database);
  const names = new Set(done.rows.map((row) => row.name));
  const known = new Set(MIGRATIONS.map((migration) => migration.name));
  const later = [...names].filter((name) => !known.has(name));
  if (later.length > 0)
    throw new Problem('conflict', `${path} was changed by a later version of Slipway (${later.join(', ')})`, {
      hint: 'Start that version again, or restore a copy of the data folder from before the upgrade.',
    });
  for (const migration of MIGRATIONS) {
    if (names.has(migration.name)) continue;
    await database.transaction().execute(async (transaction) => {
      for (const statement of migration.up) await sql.raw(statement).execute(transaction);
      await sql`insert into migrations (name, at) values (${migration.name}, ${Date.now()})`.execute(transaction);
    });
  }
}
