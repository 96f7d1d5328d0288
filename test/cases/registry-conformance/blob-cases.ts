import { expect } from 'vitest';
import { type DigestAlgorithm, digestOf } from '../../../src/images/digest.ts';
import { bytesOf } from './contents.ts';
import {
  type ConformanceCase,
  type Conversation,
  expectBytes,
  expectErrors,
  expectHead,
  type Feature,
  locationOf,
  unknownDigest,
  withDigest,
} from './conversation.ts';
import { type Blob, begin, UPLOAD_WAYS, type UploadOptions, type UploadWay, upload } from './uploads.ts';

const SIZE = 2048;

/** A blob's life: how it comes, what is done with it besides, and whether it can be read before it is deleted. */
interface BlobGroup {
  name: string;
  bytes?: Buffer;
  ways: readonly UploadWay[];
  options?: UploadOptions;
  needs?: Feature;
  extra?: { step: string; run(to: Conversation, blob: Blob): Promise<void> }[];
  /** Whether it ends as a blob of the first repository; of others there is nothing to read. */
  stored?: boolean;
}

const GROUPS: BlobGroup[] = [
  { name: 'post only', ways: ['blob-post-only'] },
  { name: 'post+put', ways: ['blob-post-put'] },
  { name: 'chunked single', ways: ['blob-patch-chunked'], options: { pieces: 1 } },
  { name: 'stream', ways: ['blob-patch-stream'] },
  { name: 'mount', ways: UPLOAD_WAYS, extra: [{ step: 'blob-mount', run: mount }] },
  {
    name: 'mount anonymous',
    needs: 'anonymous mount',
    ways: UPLOAD_WAYS,
    extra: [{ step: 'blob-mount-anonymous', run: mountFromAnywhere }],
  },
  { name: 'mount missing', ways: [], extra: [{ step: 'blob-mount', run: mountNothing }] },
  { name: 'post cancel', ways: [], needs: 'cancel', extra: [{ step: 'blob-post-cancel', run: cancel }], stored: false },
  { name: 'chunked multi', ways: ['blob-patch-chunked'] },
  { name: 'chunked multi and put chunk', ways: ['blob-patch-chunked'], options: { lastByPut: true } },
  { name: 'chunked out-of-order', ways: ['blob-patch-chunked'], options: { disordered: true } },
  {
    name: 'chunked out-of-order and put chunk',
    ways: ['blob-patch-chunked'],
    options: { disordered: true, lastByPut: true },
  },
  {
    name: 'range requests',
    ways: UPLOAD_WAYS,
    extra: [
      part('500-1499', 500, 1499),
      part('500-', 500, 2047),
      part('-500', 1548, 2047),
      part('2000-5000', 2000, 2047),
      noPart('500-0'),
      noPart('5000-10000'),
    ],
  },
  { name: 'empty', bytes: Buffer.alloc(0), ways: UPLOAD_WAYS },
  { name: 'emptyJSON', bytes: Buffer.from('{}'), ways: UPLOAD_WAYS },
  ...(['blob-post-only', 'blob-post-put', 'blob-patch-stream'] as const).map(
    (way): BlobGroup => ({
      name: `bad digest ${{ 'blob-post-only': 'post only', 'blob-post-put': 'post+put', 'blob-patch-stream': 'stream' }[way]}`,
      ways: [way],
      options: { wrong: true },
      stored: false,
    }),
  ),
  { name: 'bad digest chunked', ways: ['blob-patch-chunked'], options: { wrong: true }, stored: false },
  {
    name: 'bad digest chunked and put chunk',
    ways: ['blob-patch-chunked'],
    options: { wrong: true, lastByPut: true },
    stored: false,
  },
];

/** Everything about blobs alone, for one algorithm. */
export function blobCases(algorithm: DigestAlgorithm): ConformanceCase[] {
  const missing: ConformanceCase = {
    id: `${algorithm} blobs/get-missing`,
    run: async (to) => expectErrors(await to.send('GET', `blobs/${unknownDigest(algorithm)}`), 404),
  };
  return [missing, ...GROUPS.flatMap((group) => casesOf(group, algorithm))];
}

function casesOf(group: BlobGroup, algorithm: DigestAlgorithm): ConformanceCase[] {
  const bytes = group.bytes ?? bytesOf(`${algorithm} ${group.name}`, SIZE);
  const blob: Blob = { digest: digestOf(bytes, algorithm), bytes };
  const at = `blobs/${blob.digest}`;
  const one = (step: string, run: ConformanceCase['run']): ConformanceCase => ({
    id: `${algorithm} blobs/${group.name}/${step}`,
    ...(group.needs === undefined ? {} : { needs: group.needs }),
    run,
  });
  return [
    ...group.ways.map((way) => one(way, (to) => upload(to, way, blob, group.options))),
    ...(group.extra ?? []).map(({ step, run }) => one(step, (to) => run(to, blob))),
    ...(group.stored === false
      ? []
      : [
          one('blob-head', async (to) => expectHead(await to.send('HEAD', at), bytes, blob.digest)),
          one('blob-get', async (to) => expectBytes(await to.send('GET', at), bytes, blob.digest)),
        ]),
    one('blob-delete', (to) => deleteBlob(to, blob)),
  ];
}

/** Gone at once from each repository that had it. */
async function deleteBlob(to: Conversation, { digest }: Blob): Promise<void> {
  for (const repository of [to.repository, to.other]) {
    const at = `blobs/${digest}`;
    const had = (await to.send('HEAD', at, {}, repository)).status === 200;
    expect((await to.send('DELETE', at, {}, repository)).status).toBe(had ? 202 : 404);
    expect((await to.send('HEAD', at, {}, repository)).status).toBe(404);
    expect((await to.send('GET', at, {}, repository)).status).toBe(404);
  }
}

async function mount(to: Conversation, { digest, bytes }: Blob): Promise<void> {
  const mounted = await to.send('POST', `blobs/uploads/?mount=${digest}&from=${to.repository}`, {}, to.other);
  expect(mounted.status, mounted.body.toString()).toBe(201);
  expectBytes(await to.send('GET', locationOf(mounted)), bytes, digest);
}

async function mountFromAnywhere(to: Conversation, { digest, bytes }: Blob): Promise<void> {
  for (const query of [`mount=${digest}`, `mount=${digest}&from=`]) {
    const mounted = await to.send('POST', `blobs/uploads/?${query}`, {}, to.other);
    expect(mounted.status, mounted.body.toString()).toBe(201);
    expectBytes(await to.send('GET', locationOf(mounted)), bytes, digest);
  }
}

/** What the source doesn't hold becomes an ordinary upload. */
async function mountNothing(to: Conversation, { digest, bytes }: Blob): Promise<void> {
  const begun = await to.send('POST', `blobs/uploads/?mount=${digest}&from=${to.other}`);
  expect(begun.status, begun.body.toString()).toBe(202);
  const closed = await to.send('PUT', withDigest(locationOf(begun), digest), { body: bytes });
  expect(closed.status, closed.body.toString()).toBe(201);
  expectBytes(await to.send('GET', locationOf(closed)), bytes, digest);
}

async function cancel(to: Conversation): Promise<void> {
  const location = await begin(to);
  expect((await to.send('DELETE', location, { headers: { 'Content-Length': '0' } })).status).toBe(204);
  expectErrors(await to.send('GET', location), 404);
}

function part(text: string, start: number, end: number) {
  return {
    step: `range ${text}`,
    run: async (to: Conversation, { digest, bytes }: Blob) => {
      const answer = await to.send('GET', `blobs/${digest}`, { headers: { Range: `bytes=${text}` } });
      expect(answer.status).toBe(206);
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${bytes.length}`);
      expect(answer.headers['content-length']).toBe(String(end - start + 1));
      expect(answer.headers['docker-content-digest']).toBe(digest);
      expect(answer.body.equals(bytes.subarray(start, end + 1))).toBe(true);
    },
  };
}

function noPart(text: string) {
  return {
    step: `range ${text}`,
    run: async (to: Conversation, { digest, bytes }: Blob) => {
      const answer = await to.send('GET', `blobs/${digest}`, { headers: { Range: `bytes=${text}` } });
      expectErrors(answer, 416);
      expect(answer.headers['content-range']).toBe(`bytes */${bytes.length}`);
    },
  };
}
