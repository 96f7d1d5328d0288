import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { SqliteBuckets } from '../../src/adapters/sqlite/buckets.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { digestOf } from '../../src/images/digest.ts';
import { ContentBuckets } from '../../src/stores/buckets/content-buckets.ts';
import { ResumableUploads } from '../../src/stores/buckets/resumable-uploads.ts';
import { type OwnedRows, ownRows } from './owned-rows.ts';

const TARGET = { bucket: 'models', name: 'big.bin', options: { contentType: 'application/x-tar' } };

describe('resumable uploads', () => {
  let now = 1_795_219_298_544;
  let owned: OwnedRows<SqliteBuckets>;
  let buckets: ContentBuckets;
  let folder: string;
  let uploads: ResumableUploads;
  const restart = () => {
    uploads = new ResumableUploads(folder, buckets, { now: () => now });
  };
  const chunk = (text: string, start: number, total?: number) => ({ start, total, bytes: once(text) });

  beforeEach(async () => {
    owned = await ownRows((database) => new SqliteBuckets(database));
    const content = new DiskContent({ folder: owned.folder.content, rows: sqliteBlobRows(owned.database) });
    buckets = new ContentBuckets(owned.rows, content);
    await buckets.createBucket({ name: 'models', project: 'demo', location: 'us' });
    folder = join(owned.folder.uploads, 'buckets');
    restart();
  });
  afterEach(() => owned.close());

  it('puts chunks together, and remembers the object for a client that missed the answer', async () => {
    const id = await uploads.begin(TARGET);
    expect(await uploads.receive(id, chunk('hello ', 0))).toMatchObject({ received: 6 });
    const done = await uploads.receive(id, chunk('world', 6, 11));
    expect(done?.object).toMatchObject({ size: 11, crc32c: 'yZRlqg==', digest: digestOf('hello world') });
    expect(done?.object?.contentType).toBe('application/x-tar');
    expect(await buckets.stat('models', 'big.bin')).toEqual(done?.object);
    restart();
    expect((await uploads.status(id))?.object).toEqual(done?.object);
  });

  it('goes on after a restart of the server', async () => {
    const id = await uploads.begin({ ...TARGET, size: 11 });
    await uploads.receive(id, chunk('hello ', 0));
    restart();
    expect(await uploads.status(id)).toMatchObject({ received: 6 });
    expect((await uploads.receive(id, chunk('world', 6)))?.object?.digest).toBe(digestOf('hello world'));
  });

  it('keeps what came before the connection broke', async () => {
    const id = await uploads.begin(TARGET);
    const broken = async function* () {
      yield Buffer.from('hel');
      throw new Error('aborted');
    };
    await expect(uploads.receive(id, { start: 0, total: 11, bytes: broken() })).rejects.toThrow('aborted');
    expect(await uploads.status(id)).toMatchObject({ received: 3 });
    expect((await uploads.receive(id, chunk('lo world', 3, 11)))?.object?.crc32c).toBe('yZRlqg==');
  });

  it('skips what it has, and leaves no gap', async () => {
    const id = await uploads.begin(TARGET);
    await uploads.receive(id, chunk('hello', 0));
    expect(await uploads.receive(id, chunk('rld', 8, 11))).toMatchObject({ received: 5 });
    expect((await uploads.receive(id, chunk('llo world', 2, 11)))?.object?.digest).toBe(digestOf('hello world'));
  });

  it('takes two requests of one session one after the other', async () => {
    const id = await uploads.begin(TARGET);
    const both = await Promise.all([
      uploads.receive(id, chunk('hello world', 0, 11)),
      uploads.receive(id, chunk('hello world', 0, 11)),
    ]);
    expect(both[0]?.object).toBeDefined();
    expect(both[1]?.object).toEqual(both[0]?.object);
  });

  it('refuses more than was announced, a wrong checksum and a missed precondition', async () => {
    const long = await uploads.begin({ ...TARGET, size: 4 });
    await expect(uploads.receive(long, chunk('hello', 0))).rejects.toMatchObject({ code: 'invalid' });
    const wrong = await uploads.begin({ ...TARGET, options: { expected: { crc32c: 'AAAAAA==' } } });
    await expect(uploads.receive(wrong, chunk('hello', 0, 5))).rejects.toMatchObject({ code: 'invalid' });
    const late = await uploads.begin({ ...TARGET, options: { ifGenerationMatch: '7' } });
    await expect(uploads.receive(late, chunk('hello', 0, 5))).rejects.toMatchObject({ code: 'conflict' });
    expect(await uploads.status(wrong)).toBeUndefined();
    expect(await uploads.status(late)).toBeUndefined();
    expect(await buckets.stat('models', 'big.bin')).toBeUndefined();
  });

  it('makes an empty object', async () => {
    const id = await uploads.begin(TARGET);
    expect((await uploads.receive(id, chunk('', 0, 0)))?.object).toMatchObject({ size: 0, crc32c: 'AAAAAA==' });
  });

  it('leaves nothing of what was cancelled or is a week old', async () => {
    const cancelled = await uploads.begin(TARGET);
    await uploads.receive(cancelled, chunk('hello', 0));
    expect(await uploads.cancel(cancelled)).toBe(true);
    expect(await uploads.cancel(cancelled)).toBe(false);
    const old = await uploads.begin(TARGET);
    await uploads.receive(old, chunk('hello', 0));
    now += 6 * 24 * 3600 * 1000;
    const young = await uploads.begin(TARGET);
    now += 2 * 24 * 3600 * 1000;
    await uploads.sweep();
    expect(await uploads.status(old)).toBeUndefined();
    expect(await uploads.status(young)).toBeDefined();
    expect(await readdir(folder)).toEqual([`${young}.json`]);
    expect(await uploads.status('../../etc/passwd')).toBeUndefined();
  });
});

async function* once(text: string): AsyncGenerator<Buffer> {
  if (text !== '') yield Buffer.from(text);
}
