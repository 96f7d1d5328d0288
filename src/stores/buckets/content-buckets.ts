import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import { type ByteRange, type ContentReader, type ContentWriter, LEASE_MS, type Leases } from '../content/content.ts';
import type {
  Bucket,
  BucketManager,
  BucketObject,
  MeasuredBytes,
  ObjectChange,
  ObjectFilter,
  ObjectPage,
  PutOptions,
} from './buckets.ts';
import { Checksums } from './checksums.ts';
import type { BucketRows, NewObject } from './rows.ts';
import { requireBucketName, requireObjectName } from './valid-names.ts';

const UNKNOWN_TYPE = 'application/octet-stream';

/** Buckets as rows over the content store. Any process of the machine may have one: bytes are files, rows are the owner's. */
export class ContentBuckets implements BucketManager {
  readonly #rows: BucketRows;
  readonly #content: ContentReader & ContentWriter & Leases;

  constructor(rows: BucketRows, content: ContentReader & ContentWriter & Leases) {
    this.#rows = rows;
    this.#content = content;
  }

  bucket(name: string): Promise<Bucket | undefined> {
    return this.#rows.bucket(name);
  }

  buckets(project: string): Promise<Bucket[]> {
    return this.#rows.buckets(project);
  }

  async stat(bucket: string, name: string, generation?: string): Promise<BucketObject | undefined> {
    const object = await this.#rows.get(bucket, name);
    return generation === undefined || object?.generation === generation ? object : undefined;
  }

  list(bucket: string, filter: ObjectFilter): Promise<ObjectPage> {
    return this.#rows.list(bucket, filter);
  }

  open(object: BucketObject, range?: ByteRange): Promise<Readable> {
    return this.#content.open(object.digest, range);
  }

  async createBucket(bucket: Omit<Bucket, 'createdAt'>): Promise<Bucket> {
    requireBucketName(bucket.name);
    return this.#rows.createBucket(bucket);
  }

  async put(
    bucket: string,
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: PutOptions = {},
  ): Promise<BucketObject> {
    await this.#requireTarget(bucket, name);
    const sums = new Checksums();
    const { digest, size } = await this.#content.ingest(sums.through(source), { signal: options.signal });
    const { crc32c, md5 } = sums;
    requireChecksums({ crc32c, md5 }, options.expected);
    return this.#name({ bucket, name, size, digest, crc32c, md5 }, options);
  }

  async adopt(
    bucket: string,
    name: string,
    file: string,
    bytes: MeasuredBytes,
    options: PutOptions = {},
  ): Promise<BucketObject> {
    await this.#requireTarget(bucket, name);
    requireChecksums(bytes, options.expected);
    const { digest, size } = await this.#content.adopt(file, { digest: bytes.digest, size: bytes.size });
    return this.#name({ bucket, name, size, digest, crc32c: bytes.crc32c, md5: bytes.md5 }, options);
  }

  async copy(source: BucketObject, bucket: string, name: string, options: PutOptions = {}): Promise<BucketObject> {
    await this.#requireTarget(bucket, name);
    const { size, crc32c, md5, digest, contentType, metadata } = source;
    return this.#holding([digest], async () => {
      if ((await this.#content.stat(digest)) === undefined)
        throw new Problem('not-found', `gs://${source.bucket}/${source.name} was removed in the meantime`);
      return this.#name({ bucket, name, size, crc32c, md5, digest }, { contentType, metadata, ...defined(options) });
    });
  }

  async compose(
    bucket: string,
    name: string,
    sources: BucketObject[],
    options: PutOptions = {},
  ): Promise<BucketObject> {
    await this.#requireTarget(bucket, name);
    const size = sources.reduce((sum, source) => sum + source.size, 0);
    const sums = new Checksums();
    const { digest } = await this.#content.ingest(sums.through(this.#joined(sources)), {
      size,
      signal: options.signal,
    });
    requireChecksums({ crc32c: sums.crc32c, md5: sums.md5 }, options.expected);
    const contentType = options.contentType ?? sources[0]?.contentType;
    return this.#name({ bucket, name, size, digest, crc32c: sums.crc32c }, { ...options, contentType });
  }

  update(bucket: string, name: string, change: ObjectChange): Promise<BucketObject | undefined> {
    return this.#rows.update(bucket, name, change);
  }

  remove(bucket: string, name: string, generation?: string): Promise<boolean> {
    return this.#rows.remove(bucket, name, generation);
  }

  removeBucket(name: string): Promise<boolean> {
    return this.#rows.removeBucket(name);
  }

  /** Asked before the first byte is taken: a large upload to nowhere should not end with the bad news. */
  async #requireTarget(bucket: string, name: string): Promise<void> {
    requireObjectName(name);
    if ((await this.#rows.bucket(bucket)) === undefined) throw new Problem('not-found', `there is no bucket ${bucket}`);
  }

  async *#joined(sources: BucketObject[]): AsyncGenerator<Uint8Array> {
    for (const source of sources) yield* (await this.#content.open(source.digest)) as AsyncIterable<Uint8Array>;
  }

  #name(object: Omit<NewObject, 'contentType' | 'metadata'>, options: PutOptions): Promise<BucketObject> {
    const { contentType = UNKNOWN_TYPE, metadata, ifGenerationMatch } = options;
    return this.#rows.put({ ...object, contentType, metadata }, ifGenerationMatch);
  }

  /** Blobs that are about to be claimed stay, whatever happens to their present owners. */
  async #holding<T>(digests: Digest[], work: () => Promise<T>): Promise<T> {
    const holder = `buckets:${randomUUID()}`;
    await this.#content.hold(holder, digests, LEASE_MS);
    try {
      return await work();
    } finally {
      await this.#content.release(holder);
    }
  }
}

function requireChecksums(found: { crc32c: string; md5: string }, expected: PutOptions['expected']): void {
  for (const kind of ['crc32c', 'md5'] as const) {
    const wanted = expected?.[kind];
    if (wanted !== undefined && wanted !== found[kind])
      throw new Problem('invalid', `the bytes have ${kind} ${found[kind]} in place of the expected ${wanted}`, {
        hint: 'Something changed them on their way, or the file while it was read. Send them again.',
      });
  }
}

/** Without the fields that are present but undefined, which would hide what they are spread over. */
function defined(options: PutOptions): PutOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
