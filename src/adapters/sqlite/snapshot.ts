import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import Libsql from 'libsql';
import { Problem } from '../../lib/problem.ts';
import type { Database } from './database.ts';
import { DirectRows, giveDirectAccess } from './direct-rows.ts';

/** A statement of a whole database takes seconds for each gigabyte, which nobody's requests wait for in a thread of its own. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const Libsql = require(workerData.libsql);
const connection = new Libsql(workerData.path, { readonly: true });
const rows = connection.prepare(workerData.statement).all(...workerData.parameters);
connection.close();
parentPort.postMessage(rows);
`;

/**
 * Writes a copy of a database as it is at one moment, while its owner goes on writing: a reader of the log stops nobody. The
 * copy is one file, flushed, and only its owner may read it.
 * @param target must not exist
 */
export async function copyDatabase(path: string, target: string): Promise<void> {
  closeSync(openSync(target, 'wx', 0o600));
  await inThread(path, 'vacuum into ?', [target]);
  const handle = await open(target, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads every page of a database. @throws Problem `failed` with what SQLite says of the first damage */
export async function checkDatabase(path: string): Promise<void> {
  const rows = (await inThread(path, 'pragma integrity_check(1)', [])) as { integrity_check: string }[];
  const found = rows[0]?.integrity_check;
  if (found !== 'ok') throw new Problem('failed', `the database ${path} is damaged: ${found}`);
}

/** Opens a copy to read from it alone; it stays as it is, whatever version made it. */
export function readDatabaseCopy(path: string): Database {
  const connection = new Libsql(path, { readonly: true });
  const database: Database = new Kysely({
    dialect: new SqliteDialect({ database: connection as unknown as SqliteDatabase }),
  });
  const rows = new DirectRows(connection, dirname(path));
  giveDirectAccess(database, { committed: rows, changing: rows });
  return database;
}

function inThread(path: string, statement: string, parameters: string[]): Promise<unknown> {
  const libsql = createRequire(import.meta.url).resolve('libsql');
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: { libsql, path, statement, parameters },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Problem('failed', `the thread that reads ${path} ended early`)));
  });
}
