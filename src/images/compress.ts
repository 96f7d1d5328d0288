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

/** A block that grew needs no more: with it each block is one visit to the thread pool, and not one per 16 KiB of output. */
const PACKED_ROOM = BLOCK + 1024;

const DEFLATE = { level: 1, finishFlush: constants.Z_FULL_FLUSH, chunkSize: PACKED_ROOM };

/** Of a layer that stays plain: shorter chunks are gathered, because each one costs a hand-over to the disk. */
const PASSED_ON = 256 * 1024;

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
  const encoder = new LayerEncoder(sink, options);
  for await (const chunk of tar) {
    encoder.checkCancelled();
    await encoder.add(chunk);
  }
  return await encoder.finish();
}

interface FlyingBlock {
  /** The block itself: it may still be wanted as it is, and its memory is used again. */
  raw: Buffer;
  packed: Promise<Buffer>;
}

/**
 * Cuts a tar into blocks at fixed places and deflates them side by side, from the first one on. Once enough of a sample has
 * landed it is decided whether the rest is deflated too, or everything is passed on as it came.
 *
 * Whoever writes the tar puts its bytes into `room` and says so (`wrote`), or hands over chunks of its own (`add`). Both
 * give a promise only when a block became full: it has to be awaited before anything else is written.
 */
export class LayerEncoder {
  readonly #sink: (chunk: Uint8Array) => Promise<void>;
  readonly #concurrency: number;
  readonly #signal: AbortSignal | undefined;
  readonly #raw = new Digester();
  readonly #out = new Digester();
  readonly #flying: FlyingBlock[] = [];
  /** Blocks that have landed: a new megabyte for each would be memory that only a collection gives back. */
  readonly #spare: Buffer[] = [];
  #block: Buffer = Buffer.allocUnsafeSlow(BLOCK);
  /** What of the block was passed on already; 0 unless the layer stays plain. */
  #passed = 0;
  #filled = 0;
  #crc = 0;
  #kind: 'undecided' | 'packed' | 'plain' = 'undecided';
  /** Of the flying blocks, while undecided: so many have been packed, into so many bytes. */
  #judged = 0;
  #judgedSize = 0;

  constructor(sink: (chunk: Uint8Array) => Promise<void>, options: EncodeOptions = {}) {
    this.#sink = sink;
    this.#concurrency = options.concurrency ?? IN_FLIGHT;
    this.#signal = options.signal;
  }

  /** @throws Problem `cancelled` */
  checkCancelled(): void {
    if (this.#signal?.aborted) throw new Problem('cancelled', 'the layer was cancelled while it was written');
  }

  /** Where the next bytes of the tar go: what is left of a block, which is never nothing. */
  get room(): Buffer {
    return this.#block.subarray(this.#filled);
  }

  /** The first `count` bytes of `room` are the tar's next. */
  wrote(count: number): Promise<void> | undefined {
    this.#filled += count;
    return this.#filled === BLOCK ? this.#take() : undefined;
  }

  /** The chunk belongs to the encoder from here on. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#kind === 'plain' && chunk.length >= PASSED_ON) return this.#passOn(chunk);
    if (chunk.length >= BLOCK - this.#filled) return this.#addLong(chunk);
    this.#block.set(chunk, this.#filled);
    this.#filled += chunk.length;
    return undefined;
  }

  async finish(): Promise<EncodedLayer> {
    if (this.#filled > this.#passed) await this.#take();
    while (this.#kind === 'undecided') {
      if (this.#judged === this.#flying.length) await this.#decide();
      else await this.#judge();
    }
    const tarSize = this.#raw.size;
    const diffID = this.#raw.finish();
    if (this.#kind === 'plain')
      return { layer: { diffID, blob: { mediaType: MEDIA.ociLayer, digest: diffID, size: tarSize } }, tarSize };
    while (this.#flying.length > 0) await this.#land();
    await this.#put(LAST_BLOCK);
    await this.#put(gzipTrailer(this.#crc, tarSize));
    const blob = { mediaType: MEDIA.ociLayerGzip, digest: this.#out.finish(), size: this.#out.size };
    return { layer: { diffID, blob }, tarSize };
  }

  async #addLong(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + BLOCK - this.#filled);
      this.#block.set(piece, this.#filled);
      at += piece.length;
      await this.wrote(piece.length);
    }
  }

  /** Of a plain layer: the chunk itself goes to the sink, behind what was gathered before it. */
  async #passOn(chunk: Uint8Array): Promise<void> {
    if (this.#filled > this.#passed) await this.#take();
    this.#raw.update(chunk);
    await this.#sink(chunk);
  }

  /** Sends what is in the block on its way; it is full, or the last, or a big chunk comes behind it. */
  async #take(): Promise<void> {
    this.checkCancelled();
    const raw = this.#block;
    const bytes = raw.subarray(this.#passed, this.#filled);
    this.#raw.update(bytes);
    if (this.#kind === 'plain') {
      this.#passed = this.#filled;
      if (this.#filled === BLOCK) this.#nextBlock();
      await this.#sink(bytes);
      return;
    }
    this.#nextBlock();
    this.#crc = crc32(bytes, this.#crc);
    const packed = deflateBlock(bytes, DEFLATE);
    packed.catch(() => undefined); // its error is met when its turn comes, or not at all after an earlier one
    this.#flying.push({ raw: bytes, packed });
    while (this.#flying.length - this.#judged >= this.#concurrency)
      await (this.#kind === 'undecided' ? this.#judge() : this.#land());
  }

  #nextBlock(): void {
    this.#block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#filled = 0;
    this.#passed = 0;
  }

  /**
   * Waits for one more block of the sample. Once the sample would be worth packing even if the rest of it grew, it is
   * decided: that is so after two or three blocks of most layers, and for one that ends before its sample does it is the
   * same decision, because blocks that don't come can't make it worse.
   */
  async #judge(): Promise<void> {
    const block = this.#flying[this.#judged];
    if (block === undefined) return;
    this.#judgedSize += (await block.packed).length;
    this.#judged++;
    const atMost = this.#judgedSize + (SAMPLE_BLOCKS - this.#judged) * PACKED_ROOM;
    if (this.#judged === SAMPLE_BLOCKS || atMost <= WORTHLESS * SAMPLE_BLOCKS * BLOCK) await this.#decide();
  }

  async #decide(): Promise<void> {
    const judged = this.#judged;
    const before = this.#flying.slice(0, judged).reduce((sum, { raw }) => sum + raw.length, 0);
    this.#judged = 0;
    if (this.#judgedSize > WORTHLESS * before) {
      this.#kind = 'plain';
      for (const { raw } of this.#flying.splice(0)) await this.#sink(raw);
      return;
    }
    this.#kind = 'packed';
    await this.#put(GZIP_HEADER);
    for (let i = 0; i < judged; i++) await this.#land();
  }

  async #land(): Promise<void> {
    const block = this.#flying.shift();
    if (block === undefined) return;
    await this.#put(await block.packed);
    if (block.raw.length === BLOCK) this.#spare.push(block.raw);
  }

  async #put(chunk: Buffer): Promise<void> {
    this.#out.update(chunk);
    await this.#sink(chunk);
  }
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
