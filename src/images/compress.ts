import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { Problem } from '../lib/problem.ts';
import { Digester } from './digest.ts';
import type { Layer } from './layer.ts';
import { MEDIA } from './media-types.ts';

/**
 * Layers are compressed as one gzip member of blocks that were deflated apart from each other: 1 MiB of tar each, ended
 * by a full flush (RFC 1951, 3.2.4: an empty stored block, which ends on a byte), and an empty last block behind them.
 * So the blocks go through the thread pool side by side while the bytes stay the same for any number of threads. Several
 * gzip members in a row would be simpler, but decoders that know one member only lose what follows the first.
 */
export const ENCODER_ID = 'gz1-1m';

const BLOCK = 1 << 20;

/** Blocks under way at once: libuv's pool has four threads unless told otherwise. */
const IN_FLIGHT = 4;

/** So many blocks are compressed before it is decided whether compressing is worth it: exact for layers up to 8 MiB. */
const SAMPLE_BLOCKS = 8;

/** A layer that keeps more than this share of its size (archives, models, media) is stored as a plain tar. */
const WORTHLESS = 0.95;

/** Deflate, no flags, no time, fastest level, unknown system: nothing of this machine (RFC 1952, 2.3). */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);

/** A final block of fixed codes that holds only its end mark. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

const deflateBlock = promisify<Uint8Array, object, Buffer>(deflateRaw);

// The room for a block that grew: then each block is one visit to the thread pool, and not one per 16 KiB of output.
const DEFLATE = { level: 1, finishFlush: constants.Z_FULL_FLUSH, chunkSize: BLOCK + 1024 };

export interface EncodeOptions {
  /** Blocks compressed at once; changes the time, never the bytes. */
  concurrency?: number;
  signal?: AbortSignal | undefined;
}

export interface EncodedLayer {
  layer: Layer;
  /** Bytes of the tar. */
  tarSize: number;
}

/**
 * Turns a tar into a layer's blob in one pass: measured on both sides, with some 20 MiB of memory whatever its size.
 * `sink` gets the blob's bytes in order and is awaited. A layer that doesn't compress stays a plain tar, whose digest is
 * the diffID; the choice depends on the bytes alone.
 * @throws Problem `cancelled` on abort; whatever the tar or the sink throw. The sink then holds a part that is no layer.
 */
export async function encodeLayer(
  tar: AsyncIterable<Uint8Array>,
  sink: (chunk: Uint8Array) => Promise<void>,
  options: EncodeOptions = {},
): Promise<EncodedLayer> {
  const concurrency = options.concurrency ?? IN_FLIGHT;
  const raw = new Digester();
  const blocks = inBlocks(measure(tar, raw, options.signal));
  try {
    const sample = await takeBlocks(blocks, SAMPLE_BLOCKS);
    const packed: Buffer[] = [];
    for await (const block of deflateAll(sample, concurrency)) packed.push(block);
    if (totalSize(packed) > WORTHLESS * totalSize(sample)) {
      for (const block of sample) await sink(block);
      for await (const block of blocks) await sink(block);
      const diffID = raw.finish();
      return {
        layer: { diffID, blob: { mediaType: MEDIA.ociLayer, digest: diffID, size: raw.size } },
        tarSize: raw.size,
      };
    }
    const out = new Digester();
    const put = async (chunk: Uint8Array) => {
      out.update(chunk);
      await sink(chunk);
    };
    let crc = 0;
    const summed = async function* () {
      for await (const block of blocks) {
        crc = crc32(block, crc);
        yield block;
      }
    };
    for (const block of sample) crc = crc32(block, crc);
    await put(GZIP_HEADER);
    for (const block of packed.splice(0)) await put(block);
    for await (const block of deflateAll(summed(), concurrency)) await put(block);
    await put(LAST_BLOCK);
    await put(gzipTrailer(crc, raw.size));
    const blob = { mediaType: MEDIA.ociLayerGzip, digest: out.finish(), size: out.size };
    return { layer: { diffID: raw.finish(), blob }, tarSize: raw.size };
  } finally {
    await blocks.return();
  }
}

async function* measure(tar: AsyncIterable<Uint8Array>, digester: Digester, signal: AbortSignal | undefined) {
  for await (const chunk of tar) {
    if (signal?.aborted) throw new Problem('cancelled', 'the layer was cancelled while it was written');
    digester.update(chunk);
    yield chunk;
  }
}

/** The same bytes cut at fixed places, whatever chunks they came in. */
async function* inBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + BLOCK - filled);
      block.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled < BLOCK) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

async function takeBlocks(blocks: AsyncGenerator<Buffer, void, undefined>, limit: number): Promise<Buffer[]> {
  const taken: Buffer[] = [];
  while (taken.length < limit) {
    const next = await blocks.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

/** Deflates blocks side by side and gives them back in order. */
async function* deflateAll(
  blocks: AsyncIterable<Buffer> | Iterable<Buffer>,
  concurrency: number,
): AsyncGenerator<Buffer, void, undefined> {
  const flying: Promise<Buffer>[] = [];
  const landing = () => flying.shift() ?? Promise.resolve(Buffer.alloc(0));
  for await (const block of blocks) {
    const work = deflateBlock(block, DEFLATE);
    work.catch(() => undefined); // its error is met when its turn comes, or not at all after an earlier one
    flying.push(work);
    if (flying.length >= concurrency) yield await landing();
  }
  while (flying.length > 0) yield await landing();
}

function totalSize(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, block) => sum + block.length, 0);
}

function gzipTrailer(crc: number, size: number): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return trailer;
}

/** What `verifyEncoder` found: `golden` is false when this Node's zlib packs differently from the one we measured. */
export interface EncoderCheck {
  /** `gz1-1m`, or with the first digits of what it made of the sample: equal ids mean equal bytes for equal tars. */
  id: string;
  golden: boolean;
}

/**
 * Packs a known sample. Node's own zlib gives the same bytes on Node 20, 22 and 24; one that is linked with the system's
 * zlib gives others, which is no error (every client reads them), but digests may then not be compared across machines.
 */
export async function verifyEncoder(): Promise<EncoderCheck> {
  const hash = createHash('sha256');
  await encodeLayer(goldenSample(), async (chunk) => void hash.update(chunk));
  const digest = hash.digest('hex');
  return digest === GOLDEN_DIGEST
    ? { id: ENCODER_ID, golden: true }
    : { id: `${ENCODER_ID}-${digest.slice(0, 12)}`, golden: false };
}

const GOLDEN_DIGEST = '0070ef4e752f4271f8af65844ee12455d817019f4d79d6a6cc2a761c7588bb2d';

/** 1.25 MiB, so that a block border is inside: words from a fixed generator, with runs and with noise. */
async function* goldenSample(): AsyncGenerator<Uint8Array> {
  const sample = Buffer.alloc(5 << 18);
  let state = 0x2545f491;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let at = 0; at < sample.length; ) {
    const kind = next() % 4;
    const length = Math.min(1 + (next() % 64), sample.length - at);
    const back = 1 + (next() % 4096);
    for (let i = 0; i < length; i++, at++)
      sample[at] = kind === 0 ? next() & 0xff : kind === 1 ? 0x20 : at >= back ? (sample[at - back] ?? 0) : 0x41;
  }
  yield sample;
}
