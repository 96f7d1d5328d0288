import { unlinkSync } from 'node:fs';
import { type FileHandle, open, rm, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type Digest, type DigestAlgorithm, digestOf } from '../../images/digest.ts';
import { formatBytes, once, readSmall } from '../../lib/bytes.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { diskProblem, RESERVE_BYTES, requireSpace } from '../../lib/disk-problem.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import {
  type Alongside,
  type BlobArrivals,
  type BlobInfo,
  type BlobRows,
  type ByteRange,
  type ContentStore,
  type IngestOptions,
  LEASE_MS,
  type NewBlob,
} from '../../stores/content/content.ts';
import { BlobFiles } from './blob-files.ts';
import { cancelled, IncomingFiles } from './incoming-files.ts';
import { readHandle } from './read-handle.ts';

const SMALL_BLOB_BYTES = 4 << 20;
/** Nearly all manifests and configs are shorter. */
const WRITTEN_AT_ONCE = 64 * 1024;

export interface DiskContentOptions {
  /** DATA/content. */
  folder: string;
  rows: BlobRows;
  /** The owner's: bytes and rows then reach the disk at the same time. */
  arrivals?: BlobArrivals;
  clock?: Clock;
  reserveBytes?: number;
}

/** Blobs as files; see the contract for their life. Every process of the machine may have one over the same folder. */
export class DiskContent implements ContentStore {
  readonly #folder: string;
  readonly #rows: BlobRows;
  readonly #arrivals: BlobArrivals | undefined;
  readonly #clock: Clock;
  readonly #reserve: number;
  readonly #files: BlobFiles;
  readonly #incoming: IncomingFiles;
  readonly #adopting = new SingleFlight<Digest, BlobInfo | undefined>();

  constructor(options: DiskContentOptions) {
    this.#folder = options.folder;
    this.#rows = options.rows;
    this.#arrivals = options.arrivals;
    this.#clock = options.clock ?? systemClock;
    this.#reserve = options.reserveBytes ?? RESERVE_BYTES;
    this.#files = new BlobFiles(options.folder);
    this.#incoming = new IncomingFiles(options.folder, this.#reserve);
  }

  async stat(digest: Digest): Promise<BlobInfo | undefined> {
    const row = await this.#rows.get(digest);
    const size = await this.#files.size(digest);
    if (row === undefined) return size === undefined ? undefined : this.#adoptOrphan(digest);
    if (size === row.size) return row;
    // a client that hears "absent" sends the blob again, and that mends it
    log.error({ digest, recorded: row.size, found: size }, 'blob is recorded, but its file is missing or damaged');
    return undefined;
  }

  /** A file without a row is what a crash between rename and row leaves. It is whole if its bytes say so. */
  #adoptOrphan(digest: Digest): Promise<BlobInfo | undefined> {
    return this.#adopting.do(digest, async () => {
      if ((await this.#files.measure(digest)) !== digest) {
        log.error({ digest }, 'a file in the content store does not hold the bytes that its name says; ignored');
        return undefined;
      }
      const size = await this.#files.size(digest);
      if (size === undefined) return undefined;
      await this.#rows.add({ digest, size }, LEASE_MS);
      return (await this.#files.size(digest)) === size ? { digest, size } : undefined;
    });
  }

  async open(digest: Digest, range?: ByteRange): Promise<Readable> {
    return readHandle(await this.#openFile(digest), range);
  }

  async read(digest: Digest, limit = SMALL_BLOB_BYTES): Promise<Buffer> {
    try {
      return await readSmall(await this.open(digest), limit);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new Problem('invalid', `blob ${digest} is longer than ${formatBytes(limit)}`, { cause: error });
    }
  }

  async path(digest: Digest): Promise<string> {
    if ((await this.#files.size(digest)) === undefined) throw absent(digest);
    return this.#files.path(digest);
  }

  async #openFile(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.#files.path(digest), 'r');
    } catch (error) {
      throw hasErrorCode(error, 'ENOENT') ? absent(digest) : error;
    }
  }

  ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<BlobInfo> {
    return this.#ingest(source, options);
  }

  async #ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions, alongside?: Alongside): Promise<BlobInfo> {
    if (options.signal?.aborted) throw cancelled();
    const file = await this.scratch();
    try {
      if (options.size !== undefined) await requireSpace(this.#folder, options.size, this.#reserve);
      const info = await this.#incoming.receive(file, source, options);
      await this.#publish(file, { ...info, project: options.project }, alongside);
      return info;
    } catch (error) {
      throw options.signal?.aborted ? cancelled(error) : diskProblem(error, this.#folder);
    } finally {
      await unlink(file).catch(() => undefined); // it isn't there when it could not be made
    }
  }

  async put(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256', alongside?: Alongside): Promise<BlobInfo> {
    if (bytes.length > WRITTEN_AT_ONCE) return this.#ingest(once(bytes), { size: bytes.length, algorithm }, alongside);
    const info = { digest: digestOf(bytes, algorithm), size: bytes.length };
    const file = await this.scratch();
    const onDisk = this.#incoming.write(file, bytes).then(() => this.#files.place(file, info.digest));
    try {
      await this.#record(file, info, onDisk, alongside);
      return info;
    } catch (error) {
      throw diskProblem(error, this.#folder);
    } finally {
      await onDisk.catch(() => undefined); // the rows may have failed first
      removeNow(file);
    }
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

  /** The file keeps its first name until the row stands, so that it can be placed again when the collector came between. */
  async #publish(file: string, info: NewBlob, alongside?: Alongside): Promise<void> {
    await this.#record(file, info, this.#files.place(file, info.digest), alongside);
  }

  async #record(file: string, info: NewBlob, onDisk: Promise<unknown>, alongside?: Alongside): Promise<void> {
    if (this.#arrivals === undefined) await onDisk;
    // asked for in the same moment, rows share their commit
    const adding = this.#arrivals?.addWhen(info, LEASE_MS, onDisk) ?? this.#rows.add(info, LEASE_MS);
    const [added, also] = await Promise.allSettled([adding, alongside?.(onDisk)]);
    if (added.status === 'rejected') throw added.reason;
    // collected after `place` and before `add`: now that a lease holds the digest, it can't happen again
    if (!this.#files.has(info.digest)) await this.#files.place(file, info.digest);
    if (also.status === 'rejected') throw also.reason;
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

/** It isn't there when it could not be made. */
function removeNow(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

function absent(digest: Digest): Problem {
  return new Problem('not-found', `blob ${digest} is not in the content store`);
}
