import type { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import type { ByteRange } from '../content/content.ts';

/**
 * Buckets of objects, as Cloud Storage has them: every write makes a new generation, checksums are those that clients
 * verify (crc32c and md5, base64), the bytes lie in the content store, so a copy moves none. Rows and bytes of an
 * object that was overwritten or deleted go with the next collection.
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
  /** Exclusive: the name after which the page begins. */
  after?: string | undefined;
  limit: number;
}

export interface ObjectPage {
  objects: BucketObject[];
  prefixes: string[];
  /** Pass as `after` for the next page; absent on the last. */
  next?: string | undefined;
}

export interface PutOptions {
  contentType?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Cloud Storage's precondition: "0" means that the object must not exist yet. */
  ifGenerationMatch?: string | undefined;
  signal?: AbortSignal | undefined;
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
  /** @throws Problem `conflict` when the name is taken */
  createBucket(bucket: Omit<Bucket, 'createdAt'>): Promise<Bucket>;
  /** Streams bytes in, measuring crc32c, md5 and sha256 in one pass. @throws Problem `not-found` (bucket), `conflict` (precondition) */
  put(bucket: string, name: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<BucketObject>;
  /** Names the same bytes once more. */
  copy(source: BucketObject, bucket: string, name: string, options?: PutOptions): Promise<BucketObject>;
  /** One object of several, in order. */
  compose(bucket: string, name: string, sources: BucketObject[], options?: PutOptions): Promise<BucketObject>;
  remove(bucket: string, name: string, generation?: string): Promise<boolean>;
  /** @throws Problem `conflict` when it is not empty */
  removeBucket(name: string): Promise<boolean>;
}

export interface BucketStore extends BucketReader, BucketWriter {}
