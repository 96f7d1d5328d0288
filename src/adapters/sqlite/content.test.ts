import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { sqliteBlobRows } from './content.ts';
import { type Database, openDatabase } from './database.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const digest = digestOf('a layer');

let folder: string;
let database: Database;
let clock: { at: number; now(): number };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-content-rows-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  clock = { at: 0, now: () => clock.at };
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

/** What has been written since the database was opened: every commit of a change grows it. */
async function written(): Promise<number> {
  return (await stat(join(folder, 'slipway.db-wal'))).size;
}

it('renews a lease when that gains something, and writes nothing when it does not', async () => {
  const rows = sqliteBlobRows(database, clock);
  const leasedUntil = async () => (await rows.page(clock.at, undefined, 1))[0]?.leasedUntil;
  await rows.add({ digest, size: 7 }, SECOND);
  await rows.hold('build', [digest], HOUR);
  const before = await written();
  clock.at = 59 * SECOND;
  await rows.hold('build', [digest], clock.at + HOUR);
  await rows.hold('build', [digest], clock.at + SECOND);
  expect(await written()).toBe(before);
  expect(await leasedUntil()).toBe(HOUR);
  clock.at = 61 * SECOND;
  await rows.hold('build', [digest], clock.at + HOUR);
  expect(await leasedUntil()).toBe(clock.at + HOUR);
  expect(await written()).toBeGreaterThan(before);
});

it('notes an origin once, and dates it anew after an hour', async () => {
  const rows = sqliteBlobRows(database, clock);
  const first = { digest, host: 'a.example', repository: 'r' };
  const second = { digest, host: 'b.example', repository: 'r' };
  await rows.noteSources('p', [first]);
  clock.at = SECOND;
  await rows.noteSources('p', [second]);
  const before = await written();
  clock.at = HOUR / 2;
  await rows.noteSources('p', [first, second]);
  expect(await written()).toBe(before);
  clock.at = 2 * HOUR;
  await rows.noteSources('p', [first]);
  expect(await rows.sources(digest)).toEqual([first, second]);
});
