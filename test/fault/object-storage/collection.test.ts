import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ObjectBucket } from '../../../src/adapters/s3/bucket.ts';
import { DiscardedMarks } from '../../../src/adapters/s3/discarded-marks.ts';
import { keyOf } from '../../../src/adapters/s3/object-content.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { type BucketUrl, parseContentUrl } from '../../../src/lib/content-url.ts';
import { Collector } from '../../../src/stores/content/collect.ts';
import { LEASE_MS } from '../../../src/stores/content/content.ts';
import { type S3Server, startS3 } from '../../suites/s3-server.ts';
import { type ObjectStore, openObjectStore } from './object-store.ts';

const GRACE_MS = 7 * 24 * 60 * 60 * 1000;

describe('collection in a bucket', () => {
  let s3: S3Server;
  let store: ObjectStore;
  let bucket: ObjectBucket;
  let marks: DiscardedMarks;
  let collector: Collector;
  const claimed = new Set<Digest>();
  const clock = { at: 0, now: () => clock.at };

  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3.close());
  beforeEach(async () => {
    clock.at = Date.now();
    claimed.clear();
    store = await openObjectStore(s3, clock);
    bucket = new ObjectBucket(parseContentUrl(store.place.url) as BucketUrl, s3.settings);
    marks = new DiscardedMarks(join(store.folder.content, 'discarded'));
    const roots = [{ name: 'test', claimed: async (digests: Digest[]) => digests.filter((each) => claimed.has(each)) }];
    collector = new Collector({ rows: store.rows, bin: store.place.bin, roots, clock });
  });
  afterEach(async () => {
    s3.fault = () => undefined;
    await bucket.close();
    await store.close();
  });

  const put = async (text: string) => (await store.place.content.put(Buffer.from(text))).digest;
  const isStored = async (digest: Digest) => (await bucket.head(keyOf(digest))) !== undefined;
  const collect = () => {
    clock.at += LEASE_MS + 1;
    return collector.collect();
  };
  const graceEnds = () => {
    clock.at += GRACE_MS;
    return store.place.empty(clock.at - GRACE_MS + 1);
  };

  it('takes what nobody claims out of sight at once, and deletes it when the grace is over', async () => {
    const [kept, gone] = [await put('kept'), await put('gone')];
    claimed.add(kept);
    expect(await collect()).toEqual({ blobs: 1, bytes: 4, strays: 0 });
    expect(await store.place.content.stat(gone)).toBeUndefined();
    await expect(store.place.content.open(gone)).rejects.toMatchObject({ code: 'not-found' });
    expect(await isStored(gone)).toBe(true);
    expect(await store.place.empty(clock.at - GRACE_MS)).toBe(0);
    expect(await graceEnds()).toBe(1);
    expect([await isStored(gone), await isStored(kept)]).toEqual([false, true]);
    expect(await marks.list()).toEqual([]);
  });

  it('lets what is pushed again within the grace live', async () => {
    const digest = await put('pushed again');
    await collect();
    claimed.add(await put('pushed again'));
    expect(await marks.list()).toEqual([]);
    await collect();
    await graceEnds();
    expect((await store.another().content.read(digest)).toString()).toBe('pushed again');
  });

  it('puts the row back in reach when it is restored within the grace', async () => {
    const digest = await put('restored');
    await collect();
    expect(await store.place.bin.restore(digest)).toBe(true);
    expect(await store.place.bin.restore(digest)).toBe(false);
    await store.rows.add({ digest, size: 8 }, LEASE_MS);
    await graceEnds();
    expect((await store.another().content.read(digest)).toString()).toBe('restored');
  });

  it('keeps whoever stores the same bytes waiting until a deletion has ended, and loses neither', async () => {
    const digest = await put('in the middle');
    await collect();
    await store.dropCopies();
    let answer: () => void = () => undefined;
    s3.fault = ({ method }) =>
      method === 'DELETE' ? { delay: new Promise<void>((resolve) => (answer = resolve)) } : undefined;
    const emptied = graceEnds();
    while (!(await marks.isDeleting(digest))) await setTimeout(5);
    let stored = false;
    const again = put('in the middle').then(() => {
      stored = true;
    });
    await setTimeout(150);
    expect(stored).toBe(false);
    answer();
    await Promise.all([emptied, again]);
    await store.dropCopies();
    expect((await store.place.content.read(digest)).toString()).toBe('in the middle');
  });

  it('finishes a deletion that was cut off by an unreachable bucket', async () => {
    const digest = await put('half deleted');
    await collect();
    s3.fault = ({ method }) => (method === 'DELETE' ? { answer: { status: 403, code: 'AccessDenied' } } : undefined);
    await expect(graceEnds()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await isStored(digest)).toBe(true);
    s3.fault = () => undefined;
    expect(await store.place.empty(0)).toBe(1);
    expect(await isStored(digest)).toBe(false);
    expect(await put('half deleted')).toBe(digest);
  });

  it('never deletes by a mark alone: what has a row stays', async () => {
    const digest = await put('recorded');
    await marks.add(digest, 0);
    clock.at += LEASE_MS + 1;
    expect(await graceEnds()).toBe(0);
    expect(await isStored(digest)).toBe(true);
    expect(await marks.list()).toEqual([]);
  });

  it('brings back at start what a crash left between mark and row', async () => {
    const digest = await put('crashed');
    await marks.add(digest, clock.at);
    expect(await store.place.recover()).toBe(1);
    expect(await marks.list()).toEqual([]);
    expect((await store.place.content.read(digest)).toString()).toBe('crashed');
  });

  it('throws away objects that no row knows, after a day, once', async () => {
    const kept = await put('anchor');
    claimed.add(kept);
    const stray = digestOf('stray');
    await bucket.putText(keyOf(stray), 'stray');
    expect((await collect()).strays).toBe(0);
    clock.at += 2 * 24 * 60 * 60 * 1000;
    expect((await collect()).strays).toBe(1);
    clock.at += 2 * 24 * 60 * 60 * 1000;
    expect((await collect()).strays).toBe(0);
    await graceEnds();
    expect([await isStored(stray), await isStored(kept)]).toEqual([false, true]);
  });

  it('loses nothing that is pushed again while it runs', async () => {
    const texts = Array.from({ length: 24 }, (_, i) => `layer ${i}`);
    await Promise.all(texts.map(put));
    const again = texts.filter((_, i) => i % 2 === 0);
    for (let round = 0; round < 3; round++) {
      clock.at += LEASE_MS + 1;
      await collector.collect();
      clock.at += GRACE_MS;
      await Promise.all([store.place.empty(clock.at - 1), collector.collect(), ...again.map(put)]);
      await store.dropCopies();
      for (const text of again) expect((await store.place.content.read(digestOf(text))).toString()).toBe(text);
      await Promise.all(texts.map(put));
    }
  });

  it('keeps copies within their limit, those used last, and a path that was given out for a while', async () => {
    const small = await openObjectStore(s3, clock, 1000);
    const [pinned, used, idle] = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => (await small.place.content.put(Buffer.alloc(300, name))).digest),
    );
    const path = await small.place.content.path(pinned as Digest);
    const copyOf = (digest: Digest | undefined) =>
      join(small.folder.content, 'sha256', digest?.slice(7, 9) ?? '', digest?.slice(7) ?? '');
    const long = clock.at / 1000 - 3600;
    await utimes(copyOf(idle), long, long);
    await small.place.content.put(Buffer.alloc(300, 'd'));
    const exists = (file: string) =>
      stat(file).then(
        () => true,
        () => false,
      );
    while (await exists(copyOf(idle))) await setTimeout(5);
    expect([await exists(path), await exists(copyOf(used))]).toEqual([true, true]);
    expect((await small.place.content.read(idle as Digest)).toString()).toBe('c'.repeat(300));
    await small.close();
  });
});
