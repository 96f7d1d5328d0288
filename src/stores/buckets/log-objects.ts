import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import type { ByteRange } from '../content/content.ts';
import type { LogInfo, LogReader } from '../logs/logs.ts';
import type { BucketObject } from './buckets.ts';
import { Checksums } from './checksums.ts';

/** Read from a log at a time. */
const BLOCK_BYTES = 1 << 18;
/** Logs whose checksums are kept to be continued: those that somebody follows right now. */
const MEASURED_LOGS = 64;

/** The name that Cloud Build gives a build's log, and gcloud asks for. */
export function logObjectName(buildId: string): string {
  return `log-${buildId}.txt`;
}

/** The build that a log object belongs to; undefined for any other name. */
export function buildOfLogObject(name: string): string | undefined {
  return /^log-([A-Za-z0-9][A-Za-z0-9_-]*)\.txt$/.exec(name)?.[1];
}

interface Measured {
  sums: Checksums;
  sha256: Hash;
}

/**
 * Build logs as objects of a bucket. A running build's object grows and ends at a line's end; its generation stays. gcloud
 * asks once a second for what is new, so checksums go on from where they were: the bytes of a log are measured once.
 */
export class LogObjects {
  readonly #bucket: string;
  readonly #logs: LogReader;
  readonly #measured = new Map<string, Measured>();

  constructor(bucket: string, logs: LogReader) {
    this.#bucket = bucket;
    this.#logs = logs;
  }

  async stat(name: string): Promise<BucketObject | undefined> {
    const id = buildOfLogObject(name);
    const info = id === undefined ? undefined : await this.#logs.info(id);
    if (id === undefined || info === undefined) return undefined;
    return this.#object(name, info, await this.#measure(id, info.readable));
  }

  open(object: BucketObject, range: ByteRange = { start: 0, end: object.size - 1 }): Readable {
    const id = buildOfLogObject(object.name) ?? '';
    return Readable.from(this.#blocks(id, range.start, Math.min(range.end + 1, object.size)), { objectMode: false });
  }

  /** Each caller goes on from a copy, because two at once would measure the same bytes twice into one sum. */
  async #measure(id: string, size: number): Promise<Measured> {
    const known = this.#measured.get(id);
    const before = known !== undefined && known.sums.size <= size ? known : undefined;
    const measured: Measured = {
      sums: new Checksums(before?.sums),
      sha256: before?.sha256.copy() ?? createHash('sha256'),
    };
    for await (const block of this.#blocks(id, measured.sums.size, size)) {
      measured.sums.update(block);
      measured.sha256.update(block);
    }
    this.#measured.delete(id);
    this.#measured.set(id, measured);
    const [oldest] = this.#measured.keys();
    if (this.#measured.size > MEASURED_LOGS && oldest !== undefined) this.#measured.delete(oldest);
    return measured;
  }

  async *#blocks(id: string, start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const block = await this.#logs.read(id, at, Math.min(end, at + BLOCK_BYTES));
      if (block.length === 0) return;
      at += block.length;
      yield block;
    }
  }

  #object(name: string, info: LogInfo, { sums, sha256 }: Measured): BucketObject {
    return {
      bucket: this.#bucket,
      name,
      generation: String(info.createdAt * 1000),
      metageneration: '1',
      size: sums.size,
      contentType: 'text/plain; charset=utf-8',
      crc32c: sums.crc32c,
      md5: sums.md5,
      digest: `sha256:${sha256.copy().digest('hex')}` satisfies Digest,
      createdAt: info.createdAt,
      updatedAt: info.updatedAt,
    };
  }
}
