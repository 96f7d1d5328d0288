import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { directAccess } from './direct-rows.ts';
import { inSharedCommit } from './shared-commits.ts';

type Tables = { notes: { id: number; text: string } };

let folder = '';
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-commits-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  await sql`create table notes (id integer primary key, text text not null) strict`.execute(database);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

const texts = async (from: Kysely<Tables> = database.withTables<Tables>()) =>
  (await from.selectFrom('notes').select('text').orderBy('id').execute()).map(({ text }) => text);

function note(text: string, fails = false, onDisk?: Promise<unknown>): Promise<string[]> {
  const work = async (transaction: Transaction<Tables>) => {
    const before = await texts(transaction);
    await transaction
      .insertInto('notes')
      .values({ id: before.length + 1, text })
      .execute();
    if (fails) throw new Error(`${text} fails`);
    return before;
  };
  return inSharedCommit(database, work, onDisk);
}

it('lets each see those before it, and fail alone', async () => {
  const all = await Promise.allSettled([note('a'), note('b'), note('c', true), note('d')]);
  expect(all.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message))).toEqual([
    [],
    ['a'],
    'c fails',
    ['a', 'b'],
  ]);
  expect(await texts()).toEqual(['a', 'b', 'd']);
  await expect(note('e', true)).rejects.toThrow('e fails');
  expect(await note('f')).toEqual(['a', 'b', 'd']);
});

it('commits what speaks of files when they are on disk, and without those that never are', async () => {
  let written: (() => void) | undefined;
  const onDisk = new Promise<void>((resolve) => {
    written = resolve;
  });
  const { committed } = directAccess(database);
  const waiting = note('a', false, onDisk);
  const lost = note('b', false, Promise.reject(new Error('disk full')));
  const after = note('c');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(committed.first('select count(*) from notes')).toEqual([0]);
  written?.();
  await expect(lost).rejects.toThrow('disk full');
  expect(await waiting).toEqual([]);
  expect(await after).toEqual(['a']); // asked again: 'b' was there the first time
  expect(await texts()).toEqual(['a', 'c']);
});

it('acknowledges none whose transaction was lost', async () => {
  const lost = inSharedCommit(database, async (transaction: Transaction<Tables>) => {
    await sql`rollback`.execute(transaction); // as SQLite does on a full disk
    throw new Error('disk full');
  });
  const all = await Promise.allSettled([note('a'), lost, note('b')]);
  expect(all.map((each) => (each.status === 'rejected' ? (each.reason as Error).message : 'done'))).toEqual([
    'disk full',
    'disk full',
    'disk full',
  ]);
  expect(await texts()).toEqual([]);
  await note('c');
  expect(await texts()).toEqual(['c']);
});

it('takes hundreds at once, in the order in which they were asked for', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `note ${i}`);
  await Promise.all(names.map((name) => note(name)));
  expect(await texts()).toEqual(names);
});
