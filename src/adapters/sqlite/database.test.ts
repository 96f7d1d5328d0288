import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';

describe('the database of a data folder', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-database-'));
    path = join(folder, 'slipway.db');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const reopened = async (work: (database: Database) => Promise<void>) => {
    const database = await openDatabase(path);
    try {
      await work(database);
    } finally {
      await database.destroy();
    }
  };

  it('keeps what was written, and is brought up to date once', async () => {
    await reopened(async (database) => {
      await sql`create table t (a text)`.execute(database);
    });
    await reopened(async (database) => {
      expect((await sql`select * from t`.execute(database)).rows).toEqual([]);
    });
  });

  it('is for its owner alone, and so is all that SQLite puts beside it', async () => {
    await writeFile(path, '', { mode: 0o644 });
    await reopened(async (database) => {
      await sql`create table t (a text)`.execute(database);
      for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    });
  });

  it('undoes a transaction that failed, and says why', async () => {
    await reopened(async (database) => {
      await sql`create table t (a text not null)`.execute(database);
      const failing = database.transaction().execute(async (transaction) => {
        await sql`insert into t values ('x')`.execute(transaction);
        await sql`insert into t values (null)`.execute(transaction);
      });
      await expect(failing).rejects.toThrow('NOT NULL');
      expect((await sql`select * from t`.execute(database)).rows).toEqual([]);
    });
  });

  it('refuses a schema that a later version has made', async () => {
    await reopened(async (database) => {
      await sql`insert into migrations (name, at) values ('9999-future', 1)`.execute(database);
    });
    await expect(openDatabase(path)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('9999-future'),
    });
  });
});
