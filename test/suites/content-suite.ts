import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/images/digest.ts';
import { Problem } from '../../src/lib/problem.ts';
import type { BlobRows, ContentStore } from '../../src/stores/content/content.ts';

export interface OpenedContent {
  store: ContentStore;
  rows: BlobRows;
  /** Names of files that are under way. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** What every content store does, whatever keeps its bytes and rows. */
export function contentSuite(name: string, open: () => Promise<OpenedContent>): void {
  describe(`content store: ${name}`, () => {
    let opened: OpenedContent;
    let store: ContentStore;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });

    afterEach(async () => {
      expect(await opened.leftovers()).toEqual([]);
      await opened.close();
    });

    it.each(['sha256', 'sha512'] as const)('gives back what was put, by its %s digest', async (algorithm) => {
      const info = await store.put(Buffer.from('hello'), algorithm);
      expect(info).toEqual({ digest: digestOf('hello', algorithm), size: 5 });
      expect(await store.stat(info.digest)).toEqual(info);
      expect((await store.read(info.digest)).toString()).toBe('hello');
      expect(await readFile(await store.path(info.digest), 'utf8')).toBe('hello');
    });

    it('keeps an empty blob', async () => {
      const info = await store.put(Buffer.alloc(0));
      expect(info.size).toBe(0);
      expect(await store.read(info.digest)).toHaveLength(0);
    });

    it('keeps a blob of many odd chunks whole', async () => {
      const chunks = [1, 70_000, 3 << 20, 0, (1 << 20) - 1, 17].map((size) => randomBytes(size));
      const bytes = Buffer.concat(chunks);
      const info = await store.ingest(Readable.from(chunks), { expected: digestOf(bytes), size: bytes.length });
      expect((await store.read(info.digest, bytes.length)).equals(bytes)).toBe(true);
    });

    it('keeps its own copy when the source uses one buffer for all its chunks', async () => {
      const shared = Buffer.alloc(1000);
      async function* reusing() {
        for (let i = 0; i < 3000; i++) yield shared.fill(i);
      }
      const whole = Buffer.concat(Array.from({ length: 3000 }, (_, i) => Buffer.alloc(1000, i)));
      expect((await store.ingest(reusing())).digest).toBe(digestOf(whole));
    });

    it('reads ranges with inclusive ends, cut at the last byte', async () => {
      const { digest } = await store.put(Buffer.from('0123456789'));
      const text = async (start: number, end: number) => streamText(await store.open(digest, { start, end }));
      expect(await text(0, 0)).toBe('0');
      expect(await text(3, 5)).toBe('345');
      expect(await text(8, 100)).toBe('89');
      await expect(store.open(digest, { start: 10, end: 12 })).rejects.toMatchObject({ code: 'invalid' });
    });

    it('says that an unknown blob is not found', async () => {
      const digest = digestOf('never stored');
      expect(await store.stat(digest)).toBeUndefined();
      for (const work of [() => store.open(digest), () => store.read(digest), () => store.path(digest)])
        await expect(work()).rejects.toMatchObject({ name: 'Problem', code: 'not-found' });
    });

    it('refuses bytes with another digest or size than expected, and keeps nothing of them', async () => {
      const bytes = Buffer.from('what came');
      const refused = [
        { expected: digestOf('what was meant') },
        { expected: digestOf(bytes), size: bytes.length - 1 },
        { size: bytes.length + 1 },
      ];
      for (const options of refused)
        await expect(store.ingest(Readable.from([bytes]), options)).rejects.toMatchObject({ code: 'invalid' });
      expect(await store.stat(digestOf(bytes))).toBeUndefined();
    });

    it('keeps nothing of a stream that breaks off', async () => {
      async function* broken() {
        yield Buffer.from('half of');
        throw new Error('connection reset');
      }
      await expect(store.ingest(broken())).rejects.toThrow('connection reset');
    });

    it('ends at the signal, also while no byte comes', async () => {
      const controller = new AbortController();
      async function* stalled() {
        yield Buffer.from('then nothing');
        await new Promise(() => undefined);
      }
      const ingest = store.ingest(stalled(), { signal: controller.signal });
      await setImmediate();
      controller.abort();
      await expect(ingest).rejects.toMatchObject({ code: 'cancelled' });
      await expect(store.ingest(stalled(), { signal: controller.signal })).rejects.toBeInstanceOf(Problem);
    });

    it('takes the same bytes from several at once', async () => {
      const bytes = randomBytes(200_000);
      const all = await Promise.all(Array.from({ length: 8 }, () => store.ingest(Readable.from([bytes]))));
      expect(new Set(all.map((info) => info.digest))).toEqual(new Set([digestOf(bytes)]));
      expect((await store.read(digestOf(bytes))).equals(bytes)).toBe(true);
    });

    it('adopts a finished file of its own folder, once or again', async () => {
      for (let time = 0; time < 2; time++) {
        const file = await store.scratch();
        await writeFile(file, 'written by the engine');
        const info = await store.adopt(file, { digest: digestOf('written by the engine'), size: 21 });
        expect(await store.stat(info.digest)).toEqual(info);
        await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
      }
    });

    it('refuses to read a long blob into memory', async () => {
      const { digest } = await store.put(Buffer.alloc(2000));
      await expect(store.read(digest, 1999)).rejects.toMatchObject({ code: 'invalid' });
    });

    it('remembers where a blob that it lacks can be fetched', async () => {
      const digest = digestOf('a layer elsewhere');
      const origin = (repository: string) => ({ digest, host: 'docker.io', repository });
      expect(await opened.rows.sources(digest)).toEqual([]);
      await opened.rows.noteSources('p', [origin('library/python'), origin('library/redis')]);
      await opened.rows.noteSources('p', [origin('library/python')]);
      const sources = await opened.rows.sources(digest);
      expect(sources.map((source) => source.repository).sort()).toEqual(['library/python', 'library/redis']);
    });

    it('tells a project of the places that it was told of itself', async () => {
      const digest = digestOf('a layer elsewhere, of one project');
      const origin = (host: string) => ({ digest, host, repository: 'r' });
      await opened.rows.noteSources('one', [origin('a.example')]);
      await opened.rows.noteSources('two', [origin('a.example'), origin('b.example')]);
      expect(await opened.rows.sources(digest, 'one')).toEqual([origin('a.example')]);
      expect(await opened.rows.sources(digest)).toHaveLength(2);
    });

    it('knows which project has had the bytes of a blob', async () => {
      const { digest } = await store.put(Buffer.from('a config'));
      const gone = digestOf('one that is not here');
      await opened.rows.notePossession('one', [digest]);
      await opened.rows.notePossession('one', [digest, gone]);
      expect(await opened.rows.possessed('one', [digest, gone])).toEqual([{ digest }]);
      expect(await opened.rows.possessed('two', [digest, gone])).toEqual([]);
    });

    it('notes together with a blob whose it is, and what tar a layer unpacks to', async () => {
      const diffID = digestOf('a tar');
      const bytes = Buffer.from('a layer of a project');
      const { digest } = await store.ingest(Readable.from([bytes]), { project: 'one' });
      expect(await opened.rows.possessed('one', [digest])).toEqual([{ digest }]);
      await opened.rows.noteDiffID(digest, diffID);
      await store.put(bytes);
      expect(await opened.rows.possessed('one', [digest])).toEqual([{ digest, diffID }]);
      const file = await store.scratch();
      await writeFile(file, 'a layer that was written');
      const made = { digest: digestOf('a layer that was written'), size: 24, project: 'two', diffID };
      await store.adopt(file, made);
      expect(await opened.rows.possessed('two', [digest, made.digest])).toEqual([{ digest: made.digest, diffID }]);
    });

    it('takes leases for many digests at once, and ends them by holder', async () => {
      const digests = Array.from({ length: 2000 }, (_, i): Digest => digestOf(String(i)));
      await store.hold('build:1', digests, 1000);
      await store.hold('build:1', digests, 2000);
      await store.hold('build:1', [], 1000);
      await store.release('build:1');
    });
  });
}

async function streamText(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}
