import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import {
  type Digest,
  type DigestAlgorithm,
  Digester,
  digestAlgorithm,
  digestHex,
  shortDigest,
} from '../../images/digest.ts';
import { formatBytes, once, readSmall } from '../../lib/bytes.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { diskProblem, RESERVE_BYTES, requireSpace } from '../../lib/disk-problem.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import {
  type BlobInfo,
  type BlobRows,
  type ByteRange,
  type ContentStore,
  type IngestOptions,
  LEASE_MS,
  type NewBlob,
} from '../../stores/content/content.ts';
import { cancelled, IncomingFiles } from '../disk/incoming-files.ts';
import { cutRange, readHandle } from '../disk/read-handle.ts';
import type { ObjectBucket } from './bucket.ts';
import { DiscardedMarks } from './discarded-marks.ts';
import { measuredBytes } from './measured-bytes.ts';
import { ObjectCache } from './object-cache.ts';
import { ObjectCopies, otherBytes } from './object-copies.ts';
import { type ObjectBytes, openObject } from './object-stream.ts';

const SMALL_BLOB_BYTES = 4 << 20;
const READ = { objectMode: false, highWaterMark: 1 << 18 };
/** Asking whether an object is there costs as much as sending it again up to this size. */
const UNASKED_BYTES = 256 << 10;
/** A copy may be evicted before its path is asked for, where there is hardly room for any. */
const FETCHES = 3;
/** Longer than the longest upload; it is released at its end. */
const UPLOAD_LEASE_MS = 24 * 60 * 60 * 1000;
/** The deletion of an object takes milliseconds; one that was cut off is finished by the next housekeeping. */
const DELETION_MS = 10_000;
const DELETION_LOOK_MS = 50;

export interface ObjectContentOptions {
  bucket: ObjectBucket;
  /** DATA/content: copies, and what is under way. */
  folder: string;
  rows: BlobRows;
  /** For copies together. */
  cacheBytes: number;
  clock?: Clock;
  reserveBytes?: number;
}

/** Where a blob lies in its bucket. */
export function keyOf(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/**
 * Blobs as objects of a bucket, with copies of the ones used lately on disk. Bytes come into a file first, are stored as an
 * object when they are measured, and get their row when the bucket has acknowledged them. A row is believed: asking the
 * bucket each time would cost every pull a round trip. Once an object turns out to be missing or damaged, the blob counts as
 * absent, so that the next push mends it. Every process of the machine may have one over the same folder and bucket.
 */
export class ObjectContent implements ContentStore {
  readonly #bucket: ObjectBucket;
  readonly #folder: string;
  readonly #rows: BlobRows;
  readonly #clock: Clock;
  readonly #reserve: number;
  readonly #incoming: IncomingFiles;
  readonly #cache: ObjectCache;
  readonly #marks: DiscardedMarks;
  readonly #copies: ObjectCopies;
  /** Recorded, but not in the bucket as recorded. */
  readonly #doubted = new Set<Digest>();

  constructor(options: ObjectContentOptions) {
    this.#bucket = options.bucket;
    this.#folder = options.folder;
    this.#rows = options.rows;
    this.#clock = options.clock ?? systemClock;
    this.#reserve = options.reserveBytes ?? RESERVE_BYTES;
    this.#incoming = new IncomingFiles(options.folder, this.#reserve);
    this.#cache = new ObjectCache(options.folder, options.cacheBytes, this.#clock);
    this.#marks = new DiscardedMarks(`${options.folder}/discarded`);
    this.#copies = new ObjectCopies({
      folder: this.#folder,
      incoming: this.#incoming,
      cache: this.#cache,
      reserveBytes: this.#reserve,
      fetch: (blob) => this.#fetch(blob, { start: 0, end: blob.size - 1 }),
      damaged: (digest) => this.doubt(digest, 'holds other bytes'),
    });
  }

  async stat(digest: Digest): Promise<BlobInfo | undefined> {
    return this.#doubted.has(digest) ? undefined : this.#rows.get(digest);
  }

  async open(digest: Digest, range?: ByteRange): Promise<Readable> {
    const blob = await this.#recorded(digest);
    const part = range === undefined ? undefined : cutRange(range, blob.size);
    const copy = await this.#cache.open(blob);
    if (copy !== undefined) return readHandle(copy, part);
    if (blob.size === 0) return Readable.from([]);
    if (part !== undefined && part.end - part.start + 1 < blob.size) return this.#stream(blob, part);
    return (await this.#copies.open(blob)) ?? this.#past(blob);
  }

  /** Without a copy being made: there is no room for one, or it has just come. */
  async #past(blob: BlobInfo): Promise<Readable> {
    const copy = await this.#cache.open(blob);
    return copy === undefined ? this.#stream(blob, { start: 0, end: blob.size - 1 }) : readHandle(copy);
  }

  async #stream(blob: BlobInfo, range: ByteRange): Promise<Readable> {
    const { bytes, close } = await this.#fetch(blob, range);
    const whole = range.end - range.start + 1 === blob.size;
    const measured = () => measuredBytes(bytes, blob, () => this.#damaged(blob.digest));
    return Readable.from(whole ? measured() : bytes, READ).once('close', close);
  }

  async read(digest: Digest, limit = SMALL_BLOB_BYTES): Promise<Buffer> {
    const { size } = await this.#recorded(digest);
    if (size > limit) throw new Problem('invalid', `blob ${digest} is longer than ${formatBytes(limit)}`);
    return readSmall(await this.open(digest), limit);
  }

  async path(digest: Digest): Promise<string> {
    const blob = await this.#recorded(digest);
    for (let time = 0; time < FETCHES; time++) {
      const path = await this.#cache.path(blob);
      if (path !== undefined) return path;
      await this.#copies.bring(blob);
    }
    throw new Problem('exhausted', `no copy of ${digest} stays on disk`, { hint: 'Raise content.cacheMaxBytes.' });
  }

  async #recorded(digest: Digest): Promise<BlobInfo> {
    const blob = await this.stat(digest);
    if (blob === undefined) throw absent(digest);
    return blob;
  }

  async #fetch(blob: BlobInfo, range: ByteRange): Promise<ObjectBytes> {
    const found = await openObject(this.#bucket, keyOf(blob.digest), range);
    if (found !== undefined) return found;
    this.doubt(blob.digest, 'is missing');
    throw absent(blob.digest);
  }

  /** A copy is worth having and not worth failing for: the object is there. */
  async #keep(file: string, blob: BlobInfo): Promise<void> {
    try {
      await this.#cache.place(file, blob, 'later');
    } catch (error) {
      log.warn({ digest: blob.digest, error: messageOf(error) }, 'no copy of an object could be kept');
    }
  }

  #damaged(digest: Digest): Error {
    this.doubt(digest, 'holds other bytes');
    return otherBytes(digest);
  }

  /** Reads the object itself, not a copy, and doubts it where it deserves that. */
  async inspect({ digest, size }: BlobInfo): Promise<string | undefined> {
    const digester = new Digester(digestAlgorithm(digest));
    let why = 'is missing or has another size';
    if ((await this.#bucket.head(keyOf(digest)))?.size === size) {
      const found = size === 0 ? undefined : await openObject(this.#bucket, keyOf(digest), { start: 0, end: size - 1 });
      for await (const chunk of found?.bytes ?? []) digester.update(chunk);
      if (digester.size === size && digester.finish() === digest) return undefined;
      why = 'holds other bytes';
    }
    this.doubt(digest, why);
    return why;
  }

  /** From now on the blob counts as absent, until it is stored again. */
  doubt(digest: Digest, why: string): void {
    log.error({ digest, bucket: this.#bucket.url }, `blob is recorded, but its object ${why}`);
    this.#doubted.add(digest);
  }

  async ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<BlobInfo> {
    if (options.signal?.aborted) throw cancelled();
    const file = await this.scratch();
    try {
      if (options.size !== undefined) await requireSpace(this.#folder, options.size, this.#reserve);
      const info = await this.#incoming.receive(file, source, options);
      await this.#publish(file, { ...info, project: options.project }, options.signal);
      return info;
    } catch (error) {
      throw options.signal?.aborted ? cancelled(error) : diskProblem(error, this.#folder);
    } finally {
      await rm(file, { force: true });
    }
  }

  put(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Promise<BlobInfo> {
    return this.ingest(once(bytes), { size: bytes.length, algorithm });
  }

  async adopt(file: string, info: NewBlob): Promise<BlobInfo> {
    try {
      await this.#incoming.seal(file, info.size);
      await this.#publish(file, info);
      await rm(file, { force: true });
      return { digest: info.digest, size: info.size };
    } catch (error) {
      throw diskProblem(error, this.#folder);
    }
  }

  /**
   * Holds, asks, claims: while the lease stands, the collector neither discards the object nor begins to delete it, and a
   * deletion that had begun before is waited for.
   */
  async #publish(file: string, info: NewBlob, signal?: AbortSignal): Promise<void> {
    const { digest, size } = info;
    const holder = `upload:${randomUUID()}`;
    await this.hold(holder, [digest], UPLOAD_LEASE_MS);
    try {
      await this.#deletionEnds(digest, signal);
      if (!(await this.#isStored(info, signal))) await this.#store(file, info, signal);
      await this.#marks.remove(digest);
      await this.#rows.add(info, LEASE_MS);
      this.#doubted.delete(digest);
    } finally {
      await this.release(holder);
    }
    await this.#keep(file, { digest, size });
  }

  async #isStored({ digest, size }: BlobInfo, signal?: AbortSignal): Promise<boolean> {
    if (this.#doubted.has(digest)) return false;
    if (size < UNASKED_BYTES && (await this.#rows.get(digest)) === undefined) return false;
    return (await this.#bucket.head(keyOf(digest), signal))?.size === size;
  }

  async #store(path: string, { digest, size }: BlobInfo, signal?: AbortSignal): Promise<void> {
    const sha256 = digestAlgorithm(digest) === 'sha256' ? digestHex(digest) : undefined;
    await this.#bucket.putFile(keyOf(digest), { path, size, sha256 }, signal);
  }

  async #deletionEnds(digest: Digest, signal: AbortSignal | undefined): Promise<void> {
    for (let waited = 0; await this.#marks.isDeleting(digest); waited += DELETION_LOOK_MS) {
      if (waited >= DELETION_MS)
        throw new Problem('unavailable', `the deletion of an earlier ${shortDigest(digest)} has not ended yet`, {
          hint: 'The bucket did not answer when it was to go; it is tried again every hour.',
        });
      await setTimeout(DELETION_LOOK_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Ends what is being fetched. */
  async close(): Promise<void> {
    await this.#copies.close();
  }

  scratch(): Promise<string> {
    return this.#incoming.scratch();
  }

  async hold(holder: string, digests: Digest[], ms: number): Promise<void> {
    if (digests.length > 0) await this.#rows.hold(holder, digests, this.#clock.now() + ms);
  }

  async release(holder: string): Promise<void> {
    await this.#rows.release(holder);
  }
}

function absent(digest: Digest): Problem {
  return new Problem('not-found', `blob ${digest} is not in the content store`);
}
