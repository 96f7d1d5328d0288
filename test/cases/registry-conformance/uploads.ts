import { expect } from 'vitest';
import type { Digest } from '../../../src/images/digest.ts';
import { type Conversation, expectBytes, expectErrors, locationOf, withDigest } from './conversation.ts';

export interface Blob {
  digest: Digest;
  bytes: Buffer;
}

/** The ways in which clients bring a blob. */
export type UploadWay = 'blob-post-only' | 'blob-post-put' | 'blob-patch-stream' | 'blob-patch-chunked';
export const UPLOAD_WAYS: readonly UploadWay[] = [
  'blob-post-only',
  'blob-post-put',
  'blob-patch-stream',
  'blob-patch-chunked',
];

export interface UploadOptions {
  /** The bytes sent are not those that the digest says: the last request has to be 400. */
  wrong?: boolean;
  /** Of `blob-patch-chunked`: in how many. */
  pieces?: number;
  /** The closing PUT brings the last piece. */
  lastByPut?: boolean;
  /** Before each piece one comes that doesn't belong there. */
  disordered?: boolean;
}

/** Uploads a blob, and reads it back from where the registry says that it is. */
export async function upload(to: Conversation, way: UploadWay, blob: Blob, options: UploadOptions = {}): Promise<void> {
  const sent: Blob = options.wrong
    ? { digest: blob.digest, bytes: Buffer.concat([blob.bytes.subarray(1), Buffer.from('?')]) }
    : blob;
  const closed = await WAYS[way](to, sent, options);
  if (options.wrong) {
    expectErrors(closed, 400);
    expect((await to.send('GET', `blobs/${blob.digest}`)).status).toBe(404);
    return;
  }
  expect(closed.status, closed.body.toString()).toBe(201);
  expect(closed.headers['docker-content-digest']).toBe(blob.digest);
  expectBytes(await to.send('GET', locationOf(closed)), blob.bytes, blob.digest);
}

const WAYS = {
  'blob-post-only': (to: Conversation, { digest, bytes }: Blob) =>
    to.send('POST', withDigest('blobs/uploads/', digest), { headers: BINARY, body: bytes }),

  'blob-post-put': async (to: Conversation, { digest, bytes }: Blob) =>
    to.send('PUT', withDigest(await begin(to), digest), { headers: BINARY, body: bytes }),

  'blob-patch-stream': async (to: Conversation, { digest, bytes }: Blob) => {
    const streamed = await to.send('PATCH', await begin(to), { headers: BINARY, body: bytes, streamed: true });
    expect(streamed.status, streamed.body.toString()).toBe(202);
    return to.send('PUT', withDigest(locationOf(streamed), digest));
  },

  'blob-patch-chunked': async (to: Conversation, blob: Blob, options: UploadOptions) => {
    const pieces = piecesOf(blob.bytes.length, options.pieces ?? 3);
    const last = options.lastByPut ? pieces.pop() : undefined;
    let location = await begin(to);
    for (const piece of pieces) {
      if (options.disordered) location = await outOfOrder(to, location, blob.bytes, piece, pieces);
      const patched = await to.send('PATCH', location, chunk(blob.bytes, piece));
      expect(patched.status, patched.body.toString()).toBe(202);
      location = locationOf(patched);
    }
    if (last === undefined) return to.send('PUT', withDigest(location, blob.digest));
    if (options.disordered) location = await outOfOrder(to, location, blob.bytes, last, pieces);
    return to.send('PUT', withDigest(location, blob.digest), chunk(blob.bytes, last));
  },
};

const BINARY = { 'Content-Type': 'application/octet-stream' };

/** From the first byte to before the second. */
type Piece = [start: number, end: number];

function piecesOf(size: number, count: number): Piece[] {
  const step = Math.max(1, Math.ceil(size / count));
  const pieces: Piece[] = [];
  for (let start = 0; start < size; start += step) pieces.push([start, Math.min(size, start + step)]);
  return pieces;
}

function chunk(bytes: Buffer, [start, end]: Piece) {
  return { headers: { ...BINARY, 'Content-Range': `${start}-${end - 1}` }, body: bytes.subarray(start, end) };
}

/** Begins a session. */
export async function begin(to: Conversation): Promise<string> {
  const begun = await to.send('POST', 'blobs/uploads/');
  expect(begun.status, begun.body.toString()).toBe(202);
  return locationOf(begun);
}

/** Sends another piece than the next one. @returns where to go on */
async function outOfOrder(
  to: Conversation,
  location: string,
  bytes: Buffer,
  next: Piece,
  pieces: Piece[],
): Promise<string> {
  const wrong = pieces.find(([start]) => start !== next[0]) ?? next;
  expectErrors(await to.send('PATCH', location, chunk(bytes, wrong)), 416);
  const state = await to.send('GET', location);
  expect(state.status).toBe(204);
  expect(state.headers.range).toMatch(/^0-\d+$/);
  if (next[0] > 0) expect(state.headers.range).toBe(`0-${next[0] - 1}`);
  return locationOf(state);
}
