import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { Problem } from '../lib/problem.ts';
import { type Digest, Digester } from './digest.ts';
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
 * Turns a tar into a layer's blob in one pass: measured on both sides, with some 30 MiB of memory whatever its size.
 * `sink` gets the blob's bytes in order and is awaited. A layer that doesn't compress stays a plain tar, whose digest is
 * the diffID; the choice depends on the bytes alone.
 * @throws Problem `cancelled` on abort; whatever the tar or the sink throw. The sink then holds a part that is no layer.
 */
export async function encodeLayer(
  tar: AsyncIterable<Uint8Array>,
  sink: (chunk: Uint8Array) => Promise<void>,
  options: EncodeOptions = {},
): Promise<EncodedLayer> {
  const raw = new Digester();
  const packer = new Packer(sink, options.concurrency ?? IN_FLIGHT);
  for await (const chunk of tar) {
    if (options.signal?.aborted) throw new Problem('cancelled', 'the layer was cancelled while it was written');
    raw.update(chunk);
    await packer.add(chunk);
  }
  const packed = await packer.finish(raw.size);
  const diffID = raw.finish();
  const blob =
    packed === undefined
      ? { mediaType: MEDIA.ociLayer, digest: diffID, size: raw.size }
      : { mediaType: MEDIA.ociLayerGzip, ...packed };
  return { layer: { diffID, blob }, tarSize: raw.size };
}

interface FlyingBlock {
  /** The block itself, as long as it may still be wanted as it is. */
  raw: Buffer | undefined;
  packed: Promise<Buffer>;
}

/**
 * Cuts bytes into blocks at fixed places and deflates them side by side, from the first one on. Once the sample has landed
 * it is decided whether the rest is deflated too, or everything is passed on as it came.
 */
class Packer {
  readonly #sink: (chunk: Uint8Array) => Promise<void>;
  readonly #concurrency: number;
  readonly #out = new Digester();
  readonly #flying: FlyingBlock[] = [];
  #block = Buffer.allocUnsafe(BLOCK);
  #filled = 0;
  #crc = 0;
  #kind: 'undecided' | 'packed' | 'plain' = 'undecided';

  constructor(sink: (chunk: Uint8Array) => Promise<void>, concurrency: number) {
    this.#sink = sink;
    this.#concurrency = concurrency;
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#kind === 'plain') {
        await this.#sink(at === 0 ? chunk : chunk.subarray(at));
        return;
      }
      const piece = chunk.subarray(at, at + BLOCK - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === BLOCK) await this.#take();
    }
  }

  /** @returns what the packed blob is; undefined when the bytes were passed on as they came */
  async finish(size: number): Promise<{ digest: Digest; size: number } | undefined> {
    if (this.#filled > 0) await this.#take();
    if (this.#kind === 'undecided') await this.#decide();
    if (this.#kind === 'plain') return undefined;
    while (this.#flying.length > 0) await this.#land();
    await this.#put(LAST_BLOCK);
    await this.#put(gzipTrailer(this.#crc, size));
    return { digest: this.#out.finish(), size: this.#out.size };
  }

  /** Sends the block that is full, or the last one, on its way. */
  async #take(): Promise<void> {
    const block = this.#block.subarray(0, this.#filled);
    this.#block = Buffer.allocUnsafe(BLOCK);
    this.#filled = 0;
    this.#crc = crc32(block, this.#crc);
    const packed = deflateBlock(block, DEFLATE);
    packed.catch(() => undefined); // its error is met when its turn comes, or not at all after an earlier one
    this.#flying.push({ raw: this.#kind === 'undecided' ? block : undefined, packed });
    if (this.#kind === 'undecided') {
      // some more than the sample are sent off, so that nobody stands idle while its last ones land
      if (this.#flying.length >= SAMPLE_BLOCKS + this.#concurrency) await this.#decide();
    } else if (this.#flying.length >= this.#concurrency) await this.#land();
  }

  async #decide(): Promise<void> {
    const sample = this.#flying.slice(0, SAMPLE_BLOCKS);
    const packed = await Promise.all(sample.map((block) => block.packed));
    const before = totalSize(sample.map(({ raw }) => raw ?? NOTHING));
    if (totalSize(packed) > WORTHLESS * before) {
      this.#kind = 'plain';
      for (const { raw } of this.#flying.splice(0)) await this.#sink(raw ?? NOTHING);
      return;
    }
    this.#kind = 'packed';
    for (const block of this.#flying) block.raw = undefined;
    await this.#put(GZIP_HEADER);
    for (let i = 0; i < sample.length; i++) await this.#land();
  }

  async #land(): Promise<void> {
    const block = this.#flying.shift();
    if (block !== undefined) await this.#put(await block.packed);
  }

  async #put(chunk: Buffer): Promise<void> {
    this.#out.update(chunk);
    await this.#sink(chunk);
  }
}

const NOTHING = Buffer.alloc(0);

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
