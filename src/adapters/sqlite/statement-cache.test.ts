import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SqliteStatement, sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { StatementCache } from './statement-cache.ts';

let folder = '';
let database: Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-statements-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  await sql`create table t (name text primary key, body blob)`.execute(database);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

const insert = (name: string, bytes = 1) =>
  sql`insert into t (name, body) values (${name}, ${Buffer.alloc(bytes)})`.execute(database);
const names = async () =>
  (await sql<{ name: string }>`select name from t order by name`.execute(database)).rows.map((row) => row.name);

it('prepares a text once, and forgets those that were used longest ago', () => {
  const prepared: string[] = [];
  const cache = new StatementCache((text) => {
    prepared.push(text);
    return {} as SqliteStatement;
  });
  const first = cache.prepare('first');
  for (let i = 0; i < 1_000; i++) {
    cache.prepare(`one of many ${i}`);
    expect(cache.prepare('first')).toBe(first);
  }
  expect(prepared).toHaveLength(1_001);
  cache.prepare('one of many 0');
  expect(prepared).toHaveLength(1_002);
});

it('goes on after a statement has failed', async () => {
  await insert('a');
  for (let i = 0; i < 3; i++) await expect(insert('a')).rejects.toThrow('UNIQUE');
  await insert('b');
  expect(await names()).toEqual(['a', 'b']);
});

it('goes on after the database was full', async () => {
  await sql`pragma max_page_count = 200`.execute(database);
  let full: unknown;
  for (let i = 0; full === undefined; i++) await insert(`x${i}`, 50_000).catch((error: unknown) => (full = error));
  expect(full).toMatchObject({ code: 'exhausted' });
  await insert('small').catch(() => undefined);
  await sql`delete from t`.execute(database);
  await insert('again', 50_000);
  expect(await names()).toEqual(['again']);
});

it('gives the columns that a table has now', async () => {
  const all = () => sql`select * from t`.execute(database);
  await insert('a');
  expect(Object.keys((await all()).rows[0] ?? {})).toEqual(['name', 'body']);
  await sql`alter table t add column more integer`.execute(database);
  expect(Object.keys((await all()).rows[0] ?? {})).toEqual(['name', 'body', 'more']);
});

it('gives many rows to many who ask at once', async () => {
  for (let i = 0; i < 250; i++) await insert(`n${String(i).padStart(3, '0')}`);
  const answers = await Promise.all(Array.from({ length: 20 }, names));
  for (const answer of answers) expect(answer).toHaveLength(250);
});
