import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { hasErrorCode, messageOf, Problem } from '../lib/problem.ts';
import { type Digest, Digester, digestAlgorithm } from './digest.ts';
import { GzipDamage, gunzipThread } from './gunzip-thread.ts';
import { ByteSource } from './tar/byte-source.ts';

/** How bytes are packed, told by their first ones. */
export type Packing = 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'plain';

const MAGIC: readonly (readonly [Packing, string])[] = [
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
];
const SNIFFED = 6;

/** zstd:chunked layers and others may begin with a skippable frame (RFC 8878, 3.1.2): 0x184D2A5? in little-endian. */
const SKIPPABLE = /^5[0-9a-f]2a4d18/;

export function packingOf(head: Uint8Array): Packing {
  const hex = Buffer.from(head.subarray(0, SNIFFED)).toString('hex');
  if (SKIPPABLE.test(hex)) return 'zstd';
  return MAGIC.find(([, magic]) => hex.startsWith(magic))?.[0] ?? 'plain';
}

/**
 * Unpacks whatever this is by its first bytes: gzip of any number of members, zstd, bzip2, xz, or plain. Chunks pass at
 * the reader's pace; processes and streams end with it, also when it stops early.
 * @throws Problem `invalid` on damaged or cut data; `not-found` when the program for a rare packing is missing
 */
export async function* decompress(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = new ByteSource(packed);
  try {
    const head = await source.take(SNIFFED);
    const whole = rejoined(head, source);
    const packing = packingOf(head);
    if (packing === 'plain') yield* whole;
    else if (packing === 'gzip') yield* throughGunzip(whole);
    else yield* throughProgram(whole, packing);
  } finally {
    await source.close();
  }
}

export interface DecodeOptions {
  /** What the tar must turn out to be. */
  diffID?: Digest | undefined;
}

/**
 * The tar of a layer's blob. The media type is only trusted where it says that we can't read the bytes; how they are
 * packed is read from themselves, because media types lie (docker's `tar.gzip` on plain tars, for one).
 * @throws Problem `unsupported` for encrypted layers; `invalid` on damage, or at the end when the tar has another diffID
 */
export async function* decodeLayer(
  blob: AsyncIterable<Uint8Array>,
  mediaType: string,
  options: DecodeOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  refuseEncrypted(mediaType);
  const { diffID } = options;
  if (diffID === undefined) return yield* decompress(blob);
  const digester = new Digester(digestAlgorithm(diffID));
  for await (const chunk of decompress(blob)) {
    digester.update(chunk);
    yield chunk;
  }
  requireSame(digester.finish(), diffID);
}

/** From this size on a gzip is worth a thread of its own, which takes as long to start as unpacking some megabytes. */
const LARGE = 2 << 20;

/** Threads that unpack in this process; what comes on top of them is unpacked here. */
const THREADS = Math.min(4, availableParallelism());
let threads = 0;

/** As `decodeLayer`, of a blob that lies in a file: a large gzip is unpacked and measured on other processors. */
export async function* decodeLayerFile(
  path: string,
  mediaType: string,
  options: DecodeOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const isForThread = threads < THREADS && (await isLargeGzip(path));
  if (!isForThread) return yield* decodeLayer(createReadStream(path, { highWaterMark: READ }), mediaType, options);
  refuseEncrypted(mediaType);
  const { diffID } = options;
  threads++;
  try {
    const found = yield* gunzipThread(path, diffID === undefined ? 'sha256' : digestAlgorithm(diffID));
    if (diffID !== undefined) requireSame(found, diffID);
  } catch (error) {
    throw error instanceof GzipDamage ? damaged('gzip', error.message, error) : error;
  } finally {
    threads--;
  }
}

async function isLargeGzip(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    if ((await handle.stat()).size < LARGE) return false;
    const { buffer } = await handle.read(Buffer.alloc(SNIFFED), 0, SNIFFED, 0);
    return packingOf(buffer) === 'gzip';
  } finally {
    await handle.close();
  }
}

function refuseEncrypted(mediaType: string): void {
  if (!mediaType.endsWith('+encrypted')) return;
  throw new Problem('unsupported', `the layer is encrypted (${mediaType})`, {
    hint: 'Decrypt the image first, for example with skopeo copy --decryption-key.',
  });
}

function requireSame(found: Digest, diffID: Digest): void {
  if (found === diffID) return;
  throw new Problem('invalid', `the layer unpacks to ${found}, but its image says ${diffID}`, {
    hint: 'The image is damaged or was put together wrongly: fetch or build it again.',
  });
}

const CHUNK = 256 * 1024;
const READ = 1 << 20;

async function* rejoined(head: Buffer, rest: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head;
  for (let chunk = await rest.part(CHUNK); chunk !== undefined; chunk = await rest.part(CHUNK)) yield chunk;
}

async function* throughGunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacker = createGunzip({ chunkSize: CHUNK });
  const source = new WatchedSource(packed);
  const settled = new Promise<void>((resolve) => pipeline(Readable.from(source), unpacker, () => resolve()));
  try {
    yield* unpacker as AsyncIterable<Buffer>;
  } catch (error) {
    source.rethrow();
    throw damaged('gzip', messageOf(error), error);
  } finally {
    unpacker.destroy();
    await settled;
  }
}

/** Keeps the source's own error apart: a lost connection must come out as it is, and not as damaged or as finished data. */
class WatchedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  #failure: { error: unknown } | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#source;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * By the packing's own program. For zstd, too, although Node has it since 22.15: that one stops after the first frame and
 * calls it the end (tried on 24.21: nothing at all comes out behind a skippable frame), and layers have many frames.
 */
async function* throughProgram(
  packed: AsyncIterable<Uint8Array>,
  packing: 'zstd' | 'bzip2' | 'xz',
): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn(packing, ['-d', '-c'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString('utf8');
  });
  let spawnError: Error | undefined;
  child.once('error', (error) => {
    spawnError = error;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const source = new WatchedSource(packed);
  // A program that ends early closes its input: its exit code says more than the EPIPE that we would get.
  const fed = new Promise<void>((resolve) => pipeline(Readable.from(source), child.stdin, () => resolve()));
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const code = await ended;
    await fed;
    source.rethrow();
    if (hasErrorCode(spawnError, 'ENOENT'))
      throw new Problem('not-found', `${packing} is needed to unpack this, and is not on this machine`, {
        hint: `Install it: apt-get install ${packing === 'xz' ? 'xz-utils' : packing}`,
      });
    if (spawnError !== undefined) throw spawnError;
    if (code !== 0) throw damaged(packing, said.trim());
  } finally {
    child.kill('SIGKILL');
    child.stdin.destroy();
    await Promise.all([fed, ended]);
  }
}

function damaged(packing: Packing, reason: string, cause?: unknown): Problem {
  return new Problem('invalid', `damaged ${packing} data: ${reason}`, {
    hint: 'The bytes were cut or changed on their way: fetch them again.',
    cause,
  });
}
