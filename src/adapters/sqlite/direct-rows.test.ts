import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { directAccess } from './direct-rows.ts';

let folder = '';
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-direct-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  await sql`create table notes (id integer primary key, text text) strict`.execute(database);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

const COUNT = 'select count(*) from notes';
const INSERT = 'insert into notes (text) values (?) returning id, text';

it('belongs to the transaction under way, which others see when it is committed', async () => {
  const { committed, changing } = directAccess(database);
  await database.transaction().execute(async (transaction) => {
    expect(changing.first(INSERT, 'a')).toEqual([1, 'a']);
    await sql`insert into notes (text) values ('b')`.execute(transaction);
    expect(changing.first(COUNT)).toEqual([2]);
    expect(committed.first(COUNT)).toEqual([0]);
  });
  expect(committed.first(COUNT)).toEqual([2]);
  const failing = database.transaction().execute(async () => {
    expect(changing.run('update notes set text = ?', null)).toBe(2);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(committed.first('select text from notes where id = ?', 1)).toEqual(['a']);
  expect(committed.first('select text from notes where id = ?', 9)).toBeUndefined();
});

it('changes nothing where only what is committed is read', () => {
  expect(() => directAccess(database).committed.run('insert into notes (text) values (?)', 'x')).toThrow(/readonly/);
});

it('leaves the log to be emptied: no statement stays open behind its first row', async () => {
  const { committed } = directAccess(database);
  await sql`insert into notes (text) values ('a'), ('b'), ('c')`.execute(database);
  expect(committed.first('select text from notes order by id')).toEqual(['a']);
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(database);
  expect(rows).toEqual([expect.objectContaining({ busy: 0 })]);
});

it('refuses texts that are made up as it goes', () => {
  const { committed } = directAccess(database);
  const ask = (n: number) => committed.first(`select ${n}`);
  expect(() => Array.from({ length: 300 }, (_, i) => ask(i))).toThrow(/made up/);
});
