import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CacheRecord } from '../../engine/cache/cache.ts';
import { digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { type KeptCache, sqliteCache } from './cache.ts';
import { sqliteBlobRows } from './content.ts';
import { type Database, openDatabase } from './database.ts';

const HOUR = 60 * 60 * 1000;

function recordOf(key: string, size = 1, layer = key): CacheRecord {
  const blob = { mediaType: MEDIA.ociLayer, digest: digestOf(layer), size };
  return {
    key,
    layer: { diffID: digestOf(layer), blob },
    position: 'p',
    text: 'RUN x',
    inputs: [],
    build: 'b',
    durationMs: 1,
    createdAt: 1,
  };
}

let folder: string;
let database: Database;
let cache: KeptCache;
const clock = { at: 0, now: () => clock.at };

beforeEach(async () => {
  clock.at = 0;
  folder = await mkdtemp(join(tmpdir(), 'slipway-cache-'));
  database = await openDatabase(join(folder, 'slipway.db'));
  cache = sqliteCache(database, clock);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

it('claims the layers of its records until nobody has used them for long', async () => {
  await cache.save('p', recordOf('used'));
  await cache.save('q', recordOf('idle', 20));
  clock.at = 2 * HOUR;
  await cache.find('p', 'used');
  const digests = [digestOf('used'), digestOf('idle'), digestOf('a stranger')];
  expect((await cache.roots.claimed(digests)).sort()).toEqual([digestOf('used'), digestOf('idle')].sort());
  expect(await cache.prune({ unusedSince: HOUR })).toEqual({ records: 1, bytes: 20 });
  expect(await cache.roots.claimed(digests)).toEqual([digestOf('used')]);
});

it('keeps what a running build may rely on, whatever the limits', async () => {
  await cache.save('p', recordOf('new', 100));
  clock.at = HOUR / 2;
  expect(await cache.prune({ unusedSince: clock.at, maxBytes: 0 })).toEqual({ records: 0, bytes: 0 });
  clock.at = 3 * HOUR;
  await cache.find('p', 'new');
  clock.at += HOUR / 2;
  expect((await cache.prune({ unusedSince: clock.at, maxBytes: 0 })).records).toBe(0);
  clock.at += HOUR;
  expect((await cache.prune({ maxBytes: 0 })).records).toBe(1);
});

it('forgets the longest unused beyond its size, and counts a shared layer once', async () => {
  for (const [i, key] of ['a', 'b', 'c'].entries()) {
    clock.at = i * HOUR;
    await cache.save('p', recordOf(key, 10));
  }
  await cache.save('q', recordOf('c again', 10, 'c'));
  await cache.save('p', { ...recordOf('metadata'), layer: undefined });
  clock.at = 9 * HOUR;
  expect(await cache.prune({ maxBytes: 20 })).toEqual({ records: 1, bytes: 10 });
  expect(await cache.find('p', 'a')).toBeUndefined();
  expect(await cache.find('p', 'b')).toBeDefined();
  expect(await cache.find('q', 'c again')).toBeDefined();
  expect(await cache.find('p', 'metadata')).toBeDefined();
});

it('tells with the record whether its layer is here', async () => {
  await cache.save('p', recordOf('k'));
  expect((await cache.find('p', 'k'))?.here).toBe(false);
  await sqliteBlobRows(database).add({ digest: digestOf('k'), size: 1 }, HOUR);
  expect((await cache.find('p', 'k'))?.here).toBe(true);
});

it('forgets what one project has not used, and counts no layer that another record names', async () => {
  await cache.save('p', recordOf('a', 10));
  await cache.save('p', recordOf('shared', 20));
  await cache.save('q', recordOf('of another', 20, 'shared'));
  clock.at = 2 * HOUR;
  await cache.save('p', recordOf('new', 40));
  const { keys, bytes } = await cache.forget('p', clock.at);
  expect([keys.sort(), bytes]).toEqual([['a', 'shared'], 10]);
  expect(await cache.find('p', 'new')).toBeDefined();
  expect(await cache.find('q', 'of another')).toBeDefined();
});

it('lists the layers of one project, each once, the last used first', async () => {
  await cache.save('p', recordOf('a', 10));
  clock.at = HOUR;
  await cache.save('p', recordOf('b', 20, 'shared'));
  await cache.save('p', recordOf('c', 20, 'shared'));
  await cache.save('q', recordOf('of another'));
  expect(await cache.layers('p')).toEqual([
    { blob: digestOf('shared'), size: 20, text: 'RUN x', createdAt: 1, usedAt: HOUR },
    { blob: digestOf('a'), size: 10, text: 'RUN x', createdAt: 1, usedAt: 0 },
  ]);
});
