import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CacheRecord } from '../../engine/cache/cache.ts';
import { digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { sqliteCache } from './cache.ts';
import { openDatabase } from './database.ts';

const HOUR = 60 * 60 * 1000;

function recordOf(key: string): CacheRecord {
  const blob = { mediaType: MEDIA.ociLayer, digest: digestOf(key), size: 1 };
  const layer = { diffID: digestOf(key), blob };
  return { key, layer, position: 'p', text: 'RUN x', inputs: [], build: 'b', durationMs: 1, createdAt: 1 };
}

it('claims the layers of its records until nobody has used them for long', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-cache-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  const clock = { at: 0, now: () => clock.at };
  const cache = sqliteCache(database, clock);
  await cache.save('p', recordOf('used'));
  await cache.save('q', recordOf('idle'));
  clock.at = 2 * HOUR;
  await cache.find('p', 'used');
  const digests = [digestOf('used'), digestOf('idle'), digestOf('a stranger')];
  expect((await cache.roots.claimed(digests)).sort()).toEqual([digestOf('used'), digestOf('idle')].sort());
  expect(await cache.prune(HOUR)).toBe(1);
  expect(await cache.roots.claimed(digests)).toEqual([digestOf('used')]);
  await database.destroy();
  await rm(folder, { recursive: true });
});
