import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { SqliteTokens } from './tokens.ts';

let folder: string;
let database: Database;
let rows: SqliteTokens;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-tokens-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  rows = new SqliteTokens(database);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

it('gives a token back as it was added, until it is removed, and its key goes with it', async () => {
  const info = {
    id: 'a1',
    note: 'ci of the shop',
    kind: 'token' as const,
    grants: [{ role: 'writer' as const, project: 'shop', repository: 'images' }],
    createdAt: 1,
    expiresAt: 99,
    lastUsedAt: undefined,
  };
  await rows.add(info, 'ff'.repeat(32));
  await rows.touch('a1', 50);
  const touched = { ...info, lastUsedAt: 50 };
  expect(await rows.byId('a1')).toEqual({ info: touched, secretHash: 'ff'.repeat(32) });
  expect(await rows.list()).toEqual([touched]);

  const key = { id: 'k1', tokenId: 'a1', email: 'a@b', publicKey: 'PEM', tokenUri: 'http://x/token' };
  await rows.addKey(key);
  expect(await rows.keyById('k1')).toEqual(key);
  expect(await rows.keyByEmail('a@b')).toEqual(key);

  expect(await rows.remove('a1')).toBe(true);
  expect(await rows.remove('a1')).toBe(false);
  expect(await rows.byId('a1')).toBeUndefined();
  expect(await rows.keyById('k1')).toBeUndefined();
});
