import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { readZip } from '../../engine/sources/read-zip.ts';
import { unpackEntries, unpackTar } from '../../engine/sources/unpack-archive.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';
import { parseRoot, SNAPSHOT_TYPE, type SnapshotRoot } from '../../stores/sources/tree-list.ts';
import type { StorageSource } from '../request/request.ts';
import { gsutilSize } from './binary-size.ts';

/** Lays out what `slipway submit` has sent. */
export type UnpackSnapshot = (root: SnapshotRoot) => Promise<{ files: number; bytes: number }>;

/**
 * Fetches `source.storageSource` and unpacks it as the root of the workspace. What the archive is, its first bytes say:
 * gzip, zip or a plain tar; names lie (`.gz`, `.tgz`, `.tar.gz` are all sent). An object of our own type stands for the
 * pieces that it names.
 * @returns the object that it was, for sourceProvenance
 * @throws Problem `not-found`, `invalid`, `unsupported`, `cancelled`
 */
export async function fetchStorageSource(
  source: StorageSource,
  buckets: BucketReader,
  workspace: string,
  say: (line: string) => void,
  signal: AbortSignal,
  unpackSnapshot: UnpackSnapshot,
): Promise<BucketObject> {
  const url = `gs://${source.bucket}/${source.object}`;
  const object = await buckets.stat(source.bucket, source.object, source.generation);
  if (object === undefined)
    throw new Problem(
      'not-found',
      `could not find source object ${url}${source.generation === undefined ? '' : `#${source.generation}`}`,
      {
        hint: 'The upload may have been deleted or overwritten since. Submit again.',
      },
    );
  say(`Fetching storage object: ${url}#${object.generation}`);
  say(`Copying ${url}#${object.generation}...`);
  if (object.contentType === SNAPSHOT_TYPE) {
    const { files, bytes } = await unpackSnapshot(await readRoot(object, buckets));
    say(`Operation completed over ${files} objects/${gsutilSize(bytes)}.`);
    return object;
  }
  const size = gsutilSize(object.size);
  say(`/ [1 files][${size.padStart(10)}/${size.padStart(10)}]`);
  try {
    await unpack(await buckets.open(object), workspace, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Problem && error.code !== 'invalid') throw error;
    if (!(error instanceof Problem) && !hasErrorCode(error, 'Z_DATA_ERROR', 'Z_BUF_ERROR')) throw error;
    throw new Problem('invalid', `could not unpack source ${url}: ${messageOf(error)}`, { cause: error });
  }
  say(`Operation completed over 1 objects/${size}.`);
  return object;
}

/** Ids of 200,000 lists. */
const ROOT_BYTES = 16 << 20;

async function readRoot(object: BucketObject, buckets: BucketReader): Promise<SnapshotRoot> {
  if (object.size > ROOT_BYTES) throw new Problem('invalid', `gs://${object.bucket}/${object.name} is too long`);
  const chunks: Buffer[] = [];
  for await (const chunk of await buckets.open(object)) chunks.push(chunk as Buffer);
  try {
    return parseRoot(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('invalid', `gs://${object.bucket}/${object.name} is no source that slipway submit has sent`);
  }
}

async function unpack(stream: Readable, workspace: string, signal: AbortSignal): Promise<void> {
  const { first, rest } = await peek(stream, 4);
  if (first.subarray(0, 4).equals(Buffer.from('PK\x03\x04'))) return unzip(rest, workspace, signal);
  if (!(first[0] === 0x1f && first[1] === 0x8b)) {
    await unpackTar(rest, workspace, signal);
    return;
  }
  const gunzip = createGunzip();
  const piped = pipeline(rest, gunzip, { signal });
  piped.catch(() => undefined); // the reader below sees the same error
  await unpackTar(gunzip, workspace, signal);
  await piped;
}

/** The first bytes, and a stream of all bytes. */
async function peek(stream: Readable, length: number): Promise<{ first: Buffer; rest: Readable }> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let first = Buffer.alloc(0);
  while (first.length < length) {
    const { value, done } = await iterator.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield first;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      stream.destroy();
    }
  }
  return { first, rest: Readable.from(all()) };
}

/**
 * A zip has its directory at its end, so it must be a file before it can be read. It lies beside the workspace, in the
 * build's own folder, which goes with the build whatever happens.
 */
async function unzip(stream: Readable, workspace: string, signal: AbortSignal): Promise<void> {
  const path = `${workspace}.zip`;
  try {
    const file = await open(path, 'wx', 0o600);
    await pipeline(stream, file.createWriteStream(), { signal });
    await unpackEntries(readZip(path), workspace, signal);
  } finally {
    await rm(path, { force: true });
  }
}
