import { createHash } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { BucketManager, BucketObject } from '../../src/stores/buckets/buckets.ts';
import type { ContentStore, Roots } from '../../src/stores/content/content.ts';

export interface OpenBuckets {
  store: BucketManager;
  content: ContentStore;
  roots: Roots;
  close(): Promise<void>;
}

const BUCKET = 'inzynier-ai-models';

/** What every implementation of the buckets promises. */
export function bucketsSuite(name: string, open: (clock: Clock) => Promise<OpenBuckets>): void {
  describe(`bucket store: ${name}`, () => {
    let now = 0;
    let buckets: OpenBuckets;
    let store: BucketManager;
    const write = (object: string, text: string, options = {}): Promise<BucketObject> =>
      store.put(BUCKET, object, pieces(text), options);
    const read = async (object: BucketObject | undefined, range?: { start: number; end: number }): Promise<string> => {
      if (object === undefined) throw new Error('no such object');
      let text = '';
      for await (const chunk of await store.open(object, range)) text += chunk;
      return text;
    };
    const names = async (filter = {}) =>
      (await store.list(BUCKET, { limit: 100, ...filter })).objects.map((o) => o.name);

    beforeEach(async () => {
      now = 1_795_219_298_544;
      buckets = await open({ now: () => now });
      store = buckets.store;
      await store.createBucket({ name: BUCKET, project: 'demo', location: 'europe-central2' });
    });
    afterEach(() => buckets.close());

    it('makes a bucket once, whoever asks', async () => {
      expect(await store.bucket(BUCKET)).toEqual({
        name: BUCKET,
        project: 'demo',
        location: 'europe-central2',
        createdAt: now,
      });
      const again = store.createBucket({ name: BUCKET, project: 'other', location: 'us' });
      await expect(again).rejects.toMatchObject({ code: 'conflict' });
      expect((await store.buckets('demo')).map((bucket) => bucket.name)).toEqual([BUCKET]);
      expect(await store.buckets('other')).toEqual([]);
      expect(await store.bucket('never-made')).toBeUndefined();
    });

    it('removes a bucket only when it is empty', async () => {
      await write('a', 'x');
      await expect(store.removeBucket(BUCKET)).rejects.toMatchObject({ code: 'conflict' });
      await store.remove(BUCKET, 'a');
      expect(await store.removeBucket(BUCKET)).toBe(true);
      expect(await store.removeBucket(BUCKET)).toBe(false);
    });

    it('refuses names that Cloud Storage refuses', async () => {
      for (const bad of ['ab', 'Upper', '-a-b', 'a..b', 'a/b', 'x'.repeat(64)]) {
        const made = store.createBucket({ name: bad, project: 'demo', location: 'us' });
        await expect(made, bad).rejects.toMatchObject({ code: 'invalid' });
      }
      for (const bad of ['', '.', '..', 'a\nb', 'ż'.repeat(513)])
        await expect(write(bad, 'x'), bad).rejects.toMatchObject({ code: 'invalid' });
      await expect(store.put('never-made', 'a', pieces('x'))).rejects.toMatchObject({ code: 'not-found' });
    });

    it('gives back bytes, ranges, checksums and metadata', async () => {
      const object = await write('iris/1.0.0/model.json', 'hello world', {
        contentType: 'application/json',
        metadata: { 'goog-reserved-file-mtime': '1700000000' },
      });
      expect(object).toEqual({
        bucket: BUCKET,
        name: 'iris/1.0.0/model.json',
        generation: String(now * 1000),
        metageneration: '1',
        size: 11,
        contentType: 'application/json',
        crc32c: 'yZRlqg==',
        md5: 'XrY7u+Ae7tCTyyK7j1rNww==',
        digest: digestOf('hello world'),
        metadata: { 'goog-reserved-file-mtime': '1700000000' },
        createdAt: now,
        updatedAt: now,
      });
      expect(await store.stat(BUCKET, object.name)).toEqual(object);
      expect(await read(object)).toBe('hello world');
      expect(await read(object, { start: 6, end: 8 })).toBe('wor');
      expect(await read(await write('empty', ''))).toBe('');
      expect(await store.stat(BUCKET, 'iris')).toBeUndefined();
    });

    it('gives every write a later generation, also when the clock stands or the object was away', async () => {
      const generations = [await write('a', '1'), await write('a', '2')];
      await store.remove(BUCKET, 'a');
      now -= 5000;
      generations.push(await write('a', '3'));
      const numbers = generations.map((object) => Number(object.generation));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(3);
      expect(await store.stat(BUCKET, 'a', generations[0]?.generation)).toBeUndefined();
      expect(await read(await store.stat(BUCKET, 'a', generations[2]?.generation))).toBe('3');
    });

    it('keeps preconditions: a stale generation, or 0 for "not there yet"', async () => {
      const first = await write('lock', '1', { ifGenerationMatch: '0' });
      await expect(write('lock', '2', { ifGenerationMatch: '0' })).rejects.toMatchObject({ code: 'conflict' });
      const second = await write('lock', '2', { ifGenerationMatch: first.generation });
      await expect(write('lock', '3', { ifGenerationMatch: first.generation })).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await store.stat(BUCKET, 'lock')).toEqual(second);
    });

    it('lets one of many racing writers with the same precondition win', async () => {
      const racing = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => write('race', String(i), { ifGenerationMatch: '0' })),
      );
      expect(racing.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    });

    it('refuses bytes that are not what the client measured', async () => {
      const wrong = write('a', 'hello world', { expected: { crc32c: 'AAAAAA==' } });
      await expect(wrong).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('yZRlqg==') });
      expect(await store.stat(BUCKET, 'a')).toBeUndefined();
      await write('a', 'hello world', { expected: { crc32c: 'yZRlqg==', md5: 'XrY7u+Ae7tCTyyK7j1rNww==' } });
    });

    it('leaves nothing of an upload that breaks', async () => {
      const broken = async function* () {
        yield Buffer.from('half');
        throw new Error('connection lost');
      };
      await expect(store.put(BUCKET, 'a', broken())).rejects.toThrow('connection lost');
      expect(await names()).toEqual([]);
    });

    it('lists by prefix and folder, page by page', async () => {
      for (const object of ['b', 'dir/x', 'dir/sub/y', 'dir2', 'a', 'Ż']) await write(object, object);
      expect(await names()).toEqual(['a', 'b', 'dir/sub/y', 'dir/x', 'dir2', 'Ż']);
      expect(await names({ prefix: 'dir/' })).toEqual(['dir/sub/y', 'dir/x']);
      const first = await store.list(BUCKET, { delimiter: '/', limit: 3 });
      expect([first.objects.map((object) => object.name), first.prefixes]).toEqual([['a', 'b'], ['dir/']]);
      const second = await store.list(BUCKET, { delimiter: '/', limit: 3, after: first.next });
      expect([second.objects.map((object) => object.name), second.prefixes]).toEqual([['dir2', 'Ż'], []]);
      expect(second.next).toBeUndefined();
      const below = await store.list(BUCKET, { delimiter: '/', prefix: 'dir/', limit: 10 });
      expect([below.objects.map((object) => object.name), below.prefixes]).toEqual([['dir/x'], ['dir/sub/']]);
    });

    it('copies without bytes, and the copy outlives its source', async () => {
      const source = await write('a', 'hello', { contentType: 'text/plain', metadata: { k: 'v' } });
      const copy = await store.copy(source, BUCKET, 'b', { ifGenerationMatch: '0' });
      expect(copy).toMatchObject({
        digest: source.digest,
        contentType: 'text/plain',
        metadata: { k: 'v' },
        md5: source.md5,
      });
      expect(copy.generation).not.toBe(source.generation);
      await store.remove(BUCKET, 'a');
      expect(await read(copy)).toBe('hello');
      await expect(store.copy({ ...source, digest: digestOf('never stored') }, BUCKET, 'c')).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    it('composes in order, with a checksum of the whole', async () => {
      const parts = [await write('p0', 'hello '), await write('p1', 'wor'), await write('p2', 'ld')];
      const whole = await store.compose(BUCKET, 'whole', parts, { contentType: 'text/plain' });
      expect(await read(whole)).toBe('hello world');
      expect(whole).toMatchObject({ size: 11, crc32c: 'yZRlqg==', contentType: 'text/plain' });
      expect(whole.md5).toBeUndefined();
      expect(await store.compose(BUCKET, 'p0', [...parts.slice(0, 1), ...parts])).toMatchObject({ size: 17 });
    });

    it('changes metadata without a new generation', async () => {
      const object = await write('a', 'x', { metadata: { keep: '1', drop: '2' } });
      now += 1000;
      const changed = await store.update(BUCKET, 'a', {
        metadata: { drop: null, add: '3' },
        contentType: 'text/plain',
      });
      expect(changed).toEqual({
        ...object,
        metageneration: '2',
        contentType: 'text/plain',
        metadata: { keep: '1', add: '3' },
        updatedAt: now,
      });
      const stale = store.update(BUCKET, 'a', { metadata: null, ifMetagenerationMatch: '1' });
      await expect(stale).rejects.toMatchObject({ code: 'conflict' });
      expect((await store.update(BUCKET, 'a', { metadata: null }))?.metadata).toBeUndefined();
      expect(await store.update(BUCKET, 'never', {})).toBeUndefined();
    });

    it('removes one object, if it is the generation that was meant', async () => {
      const object = await write('a', 'x');
      expect(await store.remove(BUCKET, 'a', '123')).toBe(false);
      expect(await store.remove(BUCKET, 'a', object.generation)).toBe(true);
      expect(await store.remove(BUCKET, 'a')).toBe(false);
    });

    it('takes over a file that was measured on its way', async () => {
      const file = await buckets.content.scratch();
      const handle = await openFile(file, 'wx');
      await handle.writeFile('hello world');
      await handle.close();
      const md5 = createHash('md5').update('hello world').digest('base64');
      const bytes = { size: 11, digest: digestOf('hello world'), crc32c: 'yZRlqg==', md5 };
      const object = await store.adopt(BUCKET, 'a', file, bytes, { contentType: 'text/plain' });
      expect(object).toMatchObject({ ...bytes, contentType: 'text/plain' });
      expect(await read(object)).toBe('hello world');
    });

    it('claims the bytes that objects name, and only those', async () => {
      const [a, b] = [await write('a', 'one'), await write('b', 'two')];
      await store.remove(BUCKET, 'b');
      expect(await buckets.roots.claimed([a.digest, b.digest, digestOf('x')])).toEqual([a.digest]);
    });
  });
}

async function* pieces(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 4) yield bytes.subarray(at, at + 4);
}
