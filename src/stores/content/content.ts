import type { Readable } from 'node:stream';
import type { Digest, DigestAlgorithm } from '../../images/digest.ts';

/**
 * Blobs by digest: the one copy of every layer, config, manifest and bucket object on this machine.
 *
 * The life of a blob. Bytes are *ingested* into a file of their own below `content/ingest/`, measured as they pass,
 * flushed to disk, moved to their final name `content/<alg>/<2 hex>/<hex>`, the folder flushed, and only then written as
 * a row: a blob with a row is whole and on disk. From then on it lives as long as a Root claims it or a lease holds it.
 * Whoever ingests, mounts or is told that a blob exists (HEAD) gets a lease, because a client that heard "it is there"
 * will not send it again. Removal is two steps: the row goes and the file moves to `trash/`; after the grace time the
 * file is gone. Two ingests of the same bytes write two files; the later takes the place of the first, so that a push
 * mends whatever happened to a file.
 *
 * Every process of a machine reads and writes the files itself; rows are the owner's. So bytes never cross a socket.
 *
 * Whoever is about to claim blobs that were there before (a manifest that names them, a mount) first holds them and then
 * asks `stat`: in this order the collector can't take one between the question and the claim.
 */
export interface BlobInfo {
  digest: Digest;
  /** Bytes. */
  size: number;
}

/** What is known of new bytes beside their measure. */
export interface NewBlob extends BlobInfo {
  /** Has had the bytes from here on. */
  project?: string | undefined;
  /** Of a layer that was measured here: the digest of the tar that it unpacks to. */
  diffID?: Digest | undefined;
}

/** Inclusive byte positions, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ContentReader {
  stat(digest: Digest): Promise<BlobInfo | undefined>;
  /**
   * The bytes, or the part asked for (an end beyond the last byte is cut). The stream must be read or destroyed.
   * @throws Problem `not-found`; `invalid` when the range begins behind the last byte
   */
  open(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** The whole of a small blob. @throws Problem `not-found`; `invalid` when it is longer than `limit` bytes (4 MiB) */
  read(digest: Digest, limit?: number): Promise<Buffer>;
  /** The file that holds the blob, for hard links and direct reads; it must never be written to. @throws Problem `not-found` */
  path(digest: Digest): Promise<string>;
}

export interface IngestOptions {
  /** What the bytes must turn out to be; anything else is refused and leaves nothing. */
  expected?: Digest | undefined;
  /** Bytes that must arrive. */
  size?: number | undefined;
  algorithm?: DigestAlgorithm;
  /** Has had the bytes from here on; noted together with the blob. */
  project?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** @param onDisk resolves when the bytes are, and rejects when they can't be written */
export type Alongside = (onDisk: Promise<unknown>) => Promise<unknown>;

export interface ContentWriter {
  /**
   * Stores a stream, which is destroyed when it isn't read to its end, as by every `for await`; a door that wants to answer
   * on the same connection gives `request.iterator({ destroyOnReturn: false })`. When the promise resolves, the blob is on disk, has its row, and a lease of `LEASE_MS`
   * keeps it.
   * @throws Problem `invalid` when digest or size are not as expected, `exhausted` on a full disk, `cancelled`; nothing is left behind
   */
  ingest(source: AsyncIterable<Uint8Array>, options?: IngestOptions): Promise<BlobInfo>;
  /**
   * As `ingest`, for bytes in hand.
   * @param alongside a change of rows that is about the blob, for the same flush of the disk as its row: begun at most once,
   *   and waited for. It must not be committed before `onDisk` has resolved. A store that can't do so leaves it to the caller.
   */
  put(bytes: Uint8Array, algorithm?: DigestAlgorithm, alongside?: Alongside): Promise<BlobInfo>;
  /**
   * Takes over a finished file of the same file system (an upload session, a layer written by the engine): flushed,
   * renamed, recorded. The file's digest must have been measured while it was written.
   */
  adopt(file: string, info: NewBlob): Promise<BlobInfo>;
  /** A new file below `content/ingest/` for whoever writes by itself and then calls `adopt`. */
  scratch(): Promise<string>;
}

/** How long a blob outlives the last touch of a client: longer than the longest push, 1 h. */
export const LEASE_MS = 60 * 60 * 1000;

export interface Leases {
  /** Keeps blobs for a holder, `ms` from now, or until released. Holding again renews, to within a sixtieth of `ms`. */
  hold(holder: string, digests: Digest[], ms: number): Promise<void>;
  release(holder: string): Promise<void>;
}

/** Whoever keeps blobs says so: a blob goes only if no Root claims it and no lease holds it. */
export interface Roots {
  /** For the reasons that `doctor` and a dry run give, e.g. `registry`, `cache`. */
  readonly name: string;
  /** Those of these digests that are in use. Asked inside the owner, one page of candidates at a time. */
  claimed(digests: Digest[]): Promise<Digest[]>;
  /** The same with one reason for each, where that is cheap to say. */
  explain?(digests: Digest[]): Promise<Claim[]>;
}

/** Why a blob is in use, for people. */
export interface Claim {
  digest: Digest;
  /** `image europe-central2/p/r/app`. */
  by: string;
  /** Milliseconds since 1970: from then on housekeeping drops the claim. Absent: for as long as whoever claims is there. */
  until?: number | undefined;
}

/** Everything at once, for composition roots and tests; callers take the role that they need. */
export interface ContentStore extends ContentReader, ContentWriter, Leases {}

/** The rows behind the files, as every process of the machine may ask for them; only the owner has the real ones. */
export interface BlobRows {
  get(digest: Digest): Promise<BlobInfo | undefined>;
  /** Records a blob that is on disk and leases it for `leaseMs`. */
  add(blob: NewBlob, leaseMs: number): Promise<void>;
  /** Keeps blobs until then (milliseconds since 1970); also such as have no row yet. */
  hold(holder: string, digests: Digest[], until: number): Promise<void>;
  release(holder: string): Promise<void>;
  /** Where a project was told that blobs can be fetched from: noted when a manifest that names them was resolved. */
  noteSources(project: string, sources: BlobOrigin[]): Promise<void>;
  /** @param project absent: whoever was told */
  sources(digest: Digest, project?: string): Promise<BlobOrigin[]>;
  /** Notes that a project has had the bytes of these, from elsewhere or its own; forgotten when a blob goes. */
  notePossession(project: string, digests: readonly Digest[]): Promise<void>;
  /** Those of these blobs that are recorded and that the project has had. */
  possessed(project: string, digests: readonly Digest[]): Promise<PossessedBlob[]>;
  /** Notes what tar a layer unpacks to, as somebody here has read it. */
  noteDiffID(digest: Digest, diffID: Digest): Promise<void>;
}

/** How the owner alone records blobs: other processes can't wait for each other's files inside of a transaction. */
export interface BlobArrivals {
  /** As `BlobRows.add`, while the bytes are still on their way: the commit waits for them. @throws what `onDisk` rejects with */
  addWhen(blob: NewBlob, leaseMs: number, onDisk: Promise<unknown>): Promise<void>;
}

/** What the collector alone needs of the rows; it stays inside the owner, because files move inside a transaction. */
export interface BlobSweep {
  /** Blobs in digest order, after `after`, each with the end of its longest lease if that is later than `now`. */
  page(now: number, after: Digest | undefined, limit: number): Promise<LeasedBlob[]>;
  /** Those of these digests that have a row. */
  present(digests: Digest[]): Promise<Digest[]>;
  /**
   * Removes those without a live lease, row or no row, and says which went. `discard` moves each file out of sight inside
   * the same transaction, so that `add` and `hold` of the same digest come wholly before or wholly after; if it throws,
   * the rows stay.
   */
  remove(digests: Digest[], now: number, discard: (digest: Digest) => Promise<void>): Promise<Digest[]>;
  /**
   * As `remove`, of a damaged blob, leased or not, but for one that was stored anew since then (milliseconds since 1970).
   * @returns whether it went
   */
  withdraw(digest: Digest, since: number, discard: (digest: Digest) => Promise<void>): Promise<boolean>;
  /** How many leases end later than that; nobody takes such, and a clock that was set leaves them. */
  leasesBeyond(moment: number): Promise<number>;
  /** Lets those end earlier. @returns how many */
  cutLeases(moment: number, until: number): Promise<number>;
}

export interface LeasedBlob extends BlobInfo {
  leasedUntil?: number | undefined;
}

export interface PossessedBlob {
  digest: Digest;
  /** Of a layer that was written or read to its end here; a config may claim any. */
  diffID?: Digest | undefined;
}

/** A place in another registry that holds a blob. */
export interface BlobOrigin {
  digest: Digest;
  host: string;
  repository: string;
}
