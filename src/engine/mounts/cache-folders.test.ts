import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Flights } from '../cache/cache.ts';
import { CacheFolders, type CacheWish } from './cache-folders.ts';
import { pruneCacheMounts } from './prune-caches.ts';

const OWNER = { mode: 0o750, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const EVERYTHING = { idleMs: 0, maxBytes: 0 };

let snapshots: string;
beforeEach(() => {
  snapshots = mkdtempSync(join(tmpdir(), 'slipway-caches-'));
});
afterEach(() => rmSync(snapshots, { recursive: true }));

/** Lines of one process. */
function flights(): Flights {
  const lines = new Map<string, Promise<void>>();
  const ends = new Map<string, () => void>();
  return {
    async acquire(key, holder) {
      const before = lines.get(key) ?? Promise.resolve();
      lines.set(
        key,
        before.then(() => new Promise<void>((resolve) => ends.set(key + holder, resolve))),
      );
      await before;
      await Promise.resolve();
    },
    async release(key, holder) {
      ends.get(key + holder)?.();
    },
  };
}

function opener() {
  const caches = new CacheFolders(join(snapshots, 'caches'), flights());
  const waits: string[] = [];
  const open = (wish: Partial<CacheWish>, signal = new AbortController().signal, text = 'begun') =>
    caches.open(
      { project: 'p', id: '/c', sharing: 'shared', owner: OWNER, seed: '', ...wish },
      async (data) => writeFileSync(join(data, 'f'), text),
      () => waits.push(wish.sharing ?? 'shared'),
      signal,
    );
  return { open, waits };
}

const removed = async () => (await pruneCacheMounts(snapshots, EVERYTHING, Date.now() + 1000)).removed.length;

it('begins once, and goes on from there', async () => {
  const { open } = opener();
  const first = await open({});
  writeFileSync(join(first.data, 'f'), 'changed');
  await first.release();
  const second = await open({}, undefined, 'begun again');
  expect(readFileSync(join(second.data, 'f'), 'utf8')).toBe('changed');
  await second.release();
});

it('is made once when several begin at the same time', async () => {
  const { open } = opener();
  const all = await Promise.all(Array.from({ length: 8 }, () => open({})));
  expect(new Set(all.map(({ data }) => data)).size).toBe(1);
  expect(readdirSync(join(snapshots, 'caches/new'))).toEqual([]);
  for (const cache of all) await cache.release();
});

it('lets a locked use wait for shared ones, and says so once', async () => {
  const { open, waits } = opener();
  const shared = [await open({}), await open({})];
  const order: string[] = [];
  const locked = open({ sharing: 'locked' }).then((cache) => {
    order.push('locked');
    return cache;
  });
  await vi.waitFor(() => expect(waits).toEqual(['locked']));
  for (const cache of shared) {
    order.push('shared ends');
    await cache.release();
  }
  await (await locked).release();
  expect(order).toEqual(['shared ends', 'shared ends', 'locked']);
  expect(waits).toEqual(['locked']);
});

it('gives private uses folders of their own, and a free one again', async () => {
  const { open } = opener();
  const [a, b] = [await open({ sharing: 'private' }), await open({ sharing: 'private' })];
  expect(a.data).not.toBe(b.data);
  await a.release();
  const c = await open({ sharing: 'private' });
  expect(c.data).toBe(a.data);
  for (const cache of [b, c]) await cache.release();
});

it('ends to wait on a cancel', async () => {
  const { open } = opener();
  const held = await open({ sharing: 'locked' });
  const stop = new AbortController();
  const waiting = open({}, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  await held.release();
});

it('is removed when nobody uses it, and then begins anew', async () => {
  const { open } = opener();
  const used = await open({});
  expect(await removed()).toBe(0);
  writeFileSync(join(used.data, 'f'), 'changed');
  await used.release();
  expect(await removed()).toBe(1);
  expect(existsSync(dirname(used.data))).toBe(false);
  const anew = await open({});
  expect(readFileSync(join(anew.data, 'f'), 'utf8')).toBe('begun');
  await anew.release();
});

it('survives prunes while it is opened again and again', async () => {
  const { open } = opener();
  let ended = false;
  const pruning = (async () => {
    while (!ended) await removed();
  })();
  for (let round = 0; round < 30; round++) {
    const cache = await open({ sharing: round % 2 === 0 ? 'shared' : 'private' });
    expect(readFileSync(join(cache.data, 'f'), 'utf8')).toBe('begun');
    await cache.release();
  }
  ended = true;
  await pruning;
});
