import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DiskUploads } from '../../../src/adapters/disk/disk-uploads.ts';
import { ObjectBucket } from '../../../src/adapters/s3/bucket.ts';
import { keyOf } from '../../../src/adapters/s3/object-content.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { type BucketUrl, parseContentUrl } from '../../../src/lib/content-url.ts';
import { type S3Server, startS3 } from '../../suites/s3-server.ts';
import { type ObjectStore, openObjectStore } from './object-store.ts';

/** Two requests' worth of parts. */
const LARGE = 40 << 20;

describe('a bucket in trouble', () => {
  let s3: S3Server;
  let store: ObjectStore;
  /** Objects as they are, past the store. */
  let bucket: ObjectBucket;

  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3.close());
  beforeEach(async () => {
    store = await openObjectStore(s3);
    bucket = new ObjectBucket(parseContentUrl(store.place.url) as BucketUrl, s3.settings);
  });
  afterEach(async () => {
    s3.fault = () => undefined;
    await store.place.close();
    expect(await readdir(join(store.folder.content, 'ingest')).catch(() => [])).toEqual([]);
    await bucket.close();
    await store.close();
  });

  const put = async (bytes: Uint8Array) => (await store.place.content.put(bytes)).digest;
  const whole = async (digest: Digest) => buffer(await store.place.content.open(digest));
  const asked = (method: string) => s3.requests.filter((line) => line.startsWith(method)).length;

  it('is asked again when it is only busy', async () => {
    let refusals = 2;
    s3.fault = ({ method }) =>
      method === 'PUT' && refusals-- > 0 ? { answer: { status: 503, code: 'SlowDown' } } : undefined;
    const digest = await put(Buffer.from('patience'));
    expect((await bucket.head(keyOf(digest)))?.size).toBe(8);
  });

  it('that does not answer is named, and nothing is acknowledged', async () => {
    await s3.stop();
    const bytes = Buffer.from('not acknowledged');
    await expect(put(bytes)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /^the content of this server is in s3:\/\/content\/store-\d+, which does not answer: .*ECONNREFUSED/,
      ),
    });
    expect(await store.place.content.stat(digestOf(bytes))).toBeUndefined();
    await s3.start();
    await put(bytes);
    expect(await whole(digestOf(bytes))).toEqual(bytes);
  });

  it('that refuses us is not asked again, and the text says whose fault that is', async () => {
    s3.fault = () => ({ answer: { status: 403, code: 'AccessDenied' } });
    const before = s3.requests.length;
    await expect(put(Buffer.from('x'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('which refuses us: AccessDenied for a test'),
      hint: expect.stringContaining('Check the keys'),
    });
    expect(s3.requests.length).toBe(before + 1);
  });

  it('that is full says so', async () => {
    s3.fault = () => ({ answer: { status: 507, code: 'InsufficientStorage' } });
    await expect(put(Buffer.from('x'))).rejects.toMatchObject({ code: 'exhausted' });
  });

  it('that does not exist is told from one without the object', async () => {
    const nowhere = new ObjectBucket({ kind: 's3', bucket: 'no-such-bucket', prefix: '' }, s3.settings);
    await expect(nowhere.get('x')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('that bucket does not exist'),
    });
    await nowhere.close();
    expect(await bucket.get('x')).toBeUndefined();
  });

  it('may break off in the middle of a blob: it is taken up at the next byte', async () => {
    const bytes = randomBytes(3 << 20);
    const digest = await put(bytes);
    await store.dropCopies();
    const cuts = [100_000, 1_500_000, 1];
    s3.fault = ({ method }) => {
      const cut = method === 'GET' ? cuts.shift() : undefined;
      return cut === undefined ? undefined : { cutAfter: cut };
    };
    expect((await whole(digest)).equals(bytes)).toBe(true);
    expect(cuts).toEqual([]);
  });

  it('that stays away in the middle of a blob ends the stream with an error, never with less', async () => {
    const digest = await put(randomBytes(3 << 20));
    await store.dropCopies();
    s3.fault = ({ method }) => (method === 'GET' ? { cutAfter: 200_000 } : undefined);
    const stream = await store.place.content.open(digest);
    await new Promise((resolve) => stream.once('readable', resolve));
    await s3.stop();
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'unavailable' });
    await s3.start();
  });

  it('sends only the range that was asked for, and no copy is made of a part', async () => {
    const bytes = randomBytes(1 << 20);
    const digest = await put(bytes);
    await store.dropCopies();
    const part = await buffer(await store.place.content.open(digest, { start: 1000, end: 1999 }));
    expect(part.equals(bytes.subarray(1000, 2000))).toBe(true);
    expect(await store.copies()).toEqual([]);
  });

  it('is asked once for a blob that is read often', async () => {
    const digest = await put(randomBytes(100_000));
    await store.dropCopies();
    const before = asked('GET');
    for (let time = 0; time < 3; time++) await whole(digest);
    await store.place.content.path(digest);
    expect(asked('GET')).toBe(before + 1);
  });

  it('is asked once for a blob that many read at the same time, and a slow one keeps nobody waiting', async () => {
    const bytes = randomBytes(4 << 20);
    const digest = await put(bytes);
    await store.dropCopies();
    const before = asked('GET');
    const slow = await store.place.content.open(digest);
    const [path, ...all] = await Promise.all([
      store.place.content.path(digest),
      ...Array.from({ length: 8 }, () => whole(digest)),
    ]);
    for (const read of [...all, await readFile(path)]) expect(read.equals(bytes)).toBe(true);
    expect((await buffer(slow)).equals(bytes)).toBe(true);
    expect(asked('GET')).toBe(before + 1);
  });

  it('fetches on for others when a reader goes away', async () => {
    const digest = await put(randomBytes(4 << 20));
    await store.dropCopies();
    const gone = await store.place.content.open(digest);
    gone.destroy();
    while ((await store.copies()).length === 0) await setTimeout(5);
    const before = asked('GET');
    await whole(digest);
    expect(asked('GET')).toBe(before);
  });

  it('streams past a disk that has no room for a copy', async () => {
    const bytes = randomBytes(4 << 20);
    const digest = await put(bytes);
    await store.dropCopies();
    const full = store.another(Number.MAX_SAFE_INTEGER).content;
    expect((await buffer(await full.open(digest))).equals(bytes)).toBe(true);
    expect(await store.copies()).toEqual([]);
    await expect(full.path(digest)).rejects.toMatchObject({ code: 'exhausted' });
    await bucket.putText(keyOf(digest), 'x'.repeat(bytes.length));
    await expect(buffer(await full.open(digest))).rejects.toMatchObject({ code: 'failed' });
  });

  it.each(['missing', 'damaged'])('%s object: the blob counts as absent, and the next push mends it', async (how) => {
    const bytes = randomBytes(300_000);
    const digest = await put(bytes);
    await store.dropCopies();
    if (how === 'missing') await bucket.delete(keyOf(digest));
    else await bucket.putText(keyOf(digest), 'x'.repeat(bytes.length));
    await expect(whole(digest)).rejects.toMatchObject({ code: how === 'missing' ? 'not-found' : 'failed' });
    expect(await store.place.content.stat(digest)).toBeUndefined();
    await put(bytes);
    await store.dropCopies();
    expect((await whole(digest)).equals(bytes)).toBe(true);
  });

  it('a damaged object is never taken for a whole one: its last bytes are not given out', async () => {
    const bytes = randomBytes(300_000);
    const digest = await put(bytes);
    await store.dropCopies();
    await bucket.putText(keyOf(digest), 'x'.repeat(bytes.length));
    let came = 0;
    const read = async () => {
      for await (const chunk of await store.place.content.open(digest)) came += (chunk as Uint8Array).length;
    };
    await expect(read()).rejects.toMatchObject({ code: 'failed' });
    expect(came).toBeLessThan(bytes.length);
    await expect(store.another().content.path(digest)).rejects.toMatchObject({ code: 'failed' });
  });

  it('stores a large blob in parts, each signed with its SHA-256', async () => {
    const signatures: unknown[] = [];
    s3.fault = ({ method, headers }) => {
      if (method === 'PUT') signatures.push(headers['x-amz-content-sha256']);
      return undefined;
    };
    const bytes = randomBytes(LARGE);
    const digest = await put(bytes);
    await store.dropCopies();
    expect(digestOf(await whole(digest))).toBe(digest);
    const parts = [bytes.subarray(0, 32 << 20), bytes.subarray(32 << 20)].map((part) => digestOf(part).slice(7));
    expect(signatures.sort()).toEqual(parts.sort());
  });

  it('ends an upload in parts when one fails for good', async () => {
    s3.fault = ({ url }) =>
      url?.includes('partNumber=2') ? { answer: { status: 403, code: 'AccessDenied' } } : undefined;
    const bytes = randomBytes(LARGE);
    await expect(put(bytes)).rejects.toMatchObject({ code: 'unavailable' });
    expect(s3.requests.at(-1)).toMatch(/^DELETE .*uploadId=/);
    expect(await bucket.head(keyOf(digestOf(bytes)))).toBeUndefined();
    expect(await store.place.content.stat(digestOf(bytes))).toBeUndefined();
  });

  it('ends an upload in parts when it is cancelled', async () => {
    const cancel = new AbortController();
    const bytes = randomBytes(LARGE);
    s3.fault = ({ url }) => {
      if (url?.includes('partNumber=2')) cancel.abort();
      return undefined;
    };
    const ingest = store.place.content.ingest(Readable.from([bytes]), { signal: cancel.signal });
    await expect(ingest).rejects.toMatchObject({ code: 'cancelled' });
    expect(s3.requests.at(-1)).toMatch(/^DELETE .*uploadId=/);
    expect(await bucket.head(keyOf(digestOf(bytes)))).toBeUndefined();
  });

  it('may be away at the end of an upload session: the session stays, and ends later', async () => {
    const uploads = new DiskUploads({ folder: store.folder.uploads, content: store.place.content });
    const bytes = randomBytes(500_000);
    const { id } = await uploads.start('p/r/x');
    await uploads.append(id, Readable.from([bytes]), { at: 0 });
    await s3.stop();
    await expect(uploads.finish(id, digestOf(bytes))).rejects.toMatchObject({ code: 'unavailable' });
    await s3.start();
    expect((await uploads.find(id))?.size).toBe(bytes.length);
    await uploads.finish(id, digestOf(bytes));
    expect(await uploads.find(id)).toBeUndefined();
    await store.dropCopies();
    expect((await whole(digestOf(bytes))).equals(bytes)).toBe(true);
  });

  it('is probed for everything that it is asked for later', async () => {
    expect(await store.place.probe()).toMatchObject({ ok: true, detail: expect.stringContaining('may write, list') });
    s3.fault = ({ method }) => (method === 'DELETE' ? { answer: { status: 403, code: 'AccessDenied' } } : undefined);
    expect(await store.place.probe()).toMatchObject({ ok: false, remedy: expect.stringContaining('rights') });
  });

  it('gives an address that needs no key', async () => {
    const digest = await put(Buffer.from('for everybody who has the address'));
    const answer = await fetch(await store.place.link(digest));
    expect([answer.status, await answer.text()]).toEqual([200, 'for everybody who has the address']);
    const other = new URL(await store.place.link(digestOf('another')));
    other.pathname = new URL(await store.place.link(digest)).pathname;
    expect((await fetch(other)).status).toBe(403);
  });

  it('belongs to one data folder', async () => {
    await store.place.claim('one');
    await store.place.claim('one');
    await expect(store.place.claim('two')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('belongs to another data folder of Slipway, since 20'),
    });
  });
});
