import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TarHeader } from '../../images/tar/header.ts';
import { writeTar } from '../../images/tar/write.ts';
import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';
import { fetchStorageSource } from './storage-source.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-storage-source-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function tar(...entries: (Partial<TarHeader> & { name: string })[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const inputs = entries.map((entry) => ({
    header: { type: 'file', size: 0, mode: 0o644, uid: 0, gid: 0, mtime: 0, ...entry } as TarHeader,
  }));
  for await (const chunk of writeTar(Readable.from(inputs))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function fetch(bytes: Buffer): Promise<string[]> {
  const object = { bucket: 'b', name: 'o', generation: '1', size: bytes.length } as BucketObject;
  const buckets = {
    stat: async () => object,
    open: async () => Readable.from([bytes]),
  } as unknown as BucketReader;
  const none = async () => ({ files: 0, bytes: 0 });
  const signal = new AbortController().signal;
  await fetchStorageSource({ bucket: 'b', object: 'o' }, buckets, root, () => undefined, signal, none);
  return readdir(root);
}

describe('an archive from a bucket', () => {
  it('is what its first bytes say', async () => {
    expect(await fetch(await tar({ name: 'plain' }))).toEqual(['plain']);
    expect(await fetch(gzipSync(await tar({ name: 'packed' })))).toEqual(['packed', 'plain']);
  });

  it.each<[what: string, bytes: () => Promise<Buffer>]>([
    ['of names that lead out', async () => gzipSync(await tar({ name: '../../x' }))],
    [
      'with a file below its own link',
      async () => tar({ name: 'a', type: 'symlink', linkname: '/tmp' }, { name: 'a/x' }),
    ],
    [
      'with a hard link to what it does not hold',
      async () => tar({ name: 'a', type: 'hardlink', linkname: 'etc/passwd' }),
    ],
    ['with a device', async () => tar({ name: 'null', type: 'char-device', devmajor: 1, devminor: 3 })],
    ['that is cut off', async () => gzipSync(await tar({ name: 'a' })).subarray(0, 40)],
    ['that is no gzip behind its first bytes', async () => Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
    ['that is something else, packed', async () => gzipSync(Buffer.alloc(2000, 'not a tar '))],
    ['that is something else', async () => Buffer.alloc(2000, 'not a tar ')],
    ['that is no zip behind its first bytes', async () => Buffer.from('PK\x03\x04 nothing')],
  ])('%s is refused in words, at once', async (_what, bytes) => {
    const archive = await bytes();
    const started = performance.now();
    await expect(fetch(archive)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/^could not unpack source gs:\/\/b\/o: /),
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
