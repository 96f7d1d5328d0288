import type { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import type { ByteRange } from '../content/content.ts';

/**
 * Buckets of objects, as Cloud Storage has them: every write makes a new generation, checksums are those that clients
 * verify (crc32c and md5, base64), the bytes lie in the content store, so a copy moves none. Buckets keep no old
 * versions: what was overwritten or deleted is out of sight at once, its bytes go with the next collection.
 */
export interface Bucket {
  name: string;
  project: string;
  location: string;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface BucketObject {
  bucket: string;
  name: string;
  /** Microseconds since 1970 and rising per object; a decimal string, as in the API. */
  generation: string;
  /** Counts the changes of content type and metadata, from "1". */
  metageneration: string;
  size: number;
  contentType: string;
  /** Base64 of the big-endian CRC-32C. */
  crc32c: string;
  /** Base64; absent for composed objects. */
  md5?: string | undefined;
  /** Where the bytes are. */
  digest: Digest;
  metadata?: Record<string, string> | undefined;
  createdAt: number;
  updatedAt: number;
}

export interface ObjectFilter {
  prefix?: string | undefined;
  delimiter?: string | undefined;
  /** Exclusive: the object name or the folded prefix after which the page begins. */
  after?: string | undefined;
  /** Objects and prefixes together, 1 at least. */
  limit: number;
}

export interface ObjectPage {
  /** By name in byte order. */
  objects: BucketObject[];
  /** What the names before the first delimiter behind the prefix have in common, each once. */
  prefixes: string[];
  /** Pass as `after` for the next page; absent on the last. */
  next?: string | undefined;
}

export interface PutOptions {
  contentType?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Cloud Storage's precondition: "0" means that the object must not exist yet. */
  ifGenerationMatch?: string | undefined;
  /** Checksums that the bytes must turn out to have, base64. */
  expected?: { crc32c?: string | undefined; md5?: string | undefined } | undefined;
  signal?: AbortSignal | undefined;
}

/** What is changed without a new generation; `null` removes a key of the metadata. */
export interface ObjectChange {
  contentType?: string | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  ifMetagenerationMatch?: string | undefined;
}

/** Bytes that are in a file already and were measured on their way there. */
export interface MeasuredBytes {
  size: number;
  digest: Digest;
  crc32c: string;
  md5: string;
}

export interface BucketReader {
  bucket(name: string): Promise<Bucket | undefined>;
  buckets(project: string): Promise<Bucket[]>;
  stat(bucket: string, name: string, generation?: string): Promise<BucketObject | undefined>;
  list(bucket: string, filter: ObjectFilter): Promise<ObjectPage>;
  /** @throws Problem `not-found` */
  open(object: BucketObject, range?: ByteRange): Promise<Readable>;
}

export interface BucketWriter {
  /** @throws Problem `conflict` when the name is taken, `invalid` when it is no bucket name */
  createBucket(bucket: Omit<Bucket, 'createdAt'>): Promise<Bucket>;
  /**
   * Streams bytes in, measuring crc32c, md5 and sha256 in one pass.
   * @throws Problem `not-found` (bucket), `conflict` (precondition), `invalid` (name, checksum); nothing is left behind
   */
  put(bucket: string, name: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<BucketObject>;
  /** Names the same bytes once more. Content type and metadata are the source's unless given. */
  copy(source: BucketObject, bucket: string, name: string, options?: PutOptions): Promise<BucketObject>;
  /** One object of several, in order. */
  compose(bucket: string, name: string, sources: BucketObject[], options?: PutOptions): Promise<BucketObject>;
  /** False when there was no such object, or none of that generation. */
  remove(bucket: string, name: string, generation?: string): Promise<boolean>;
  /** @throws Problem `conflict` when it is not empty */
  removeBucket(name: string): Promise<boolean>;
}

export interface BucketStore extends BucketReader, BucketWriter {}

/** What the storage door needs besides. */
export interface BucketManager extends BucketStore {
  /** As `put`, for a finished file on the content store's file system, which is taken over. */
  adopt(bucket: string, name: string, file: string, bytes: MeasuredBytes, options?: PutOptions): Promise<BucketObject>;
  /** Undefined when there is no such object. @throws Problem `conflict` (precondition) */
  update(bucket: string, name: string, change: ObjectChange): Promise<BucketObject | undefined>;
}
