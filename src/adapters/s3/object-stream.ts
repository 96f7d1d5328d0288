import type { Readable } from 'node:stream';
import { pause } from '../../lib/retry.ts';
import type { ByteRange } from '../../stores/content/content.ts';
import type { ObjectBucket } from './bucket.ts';
import { bucketProblem } from './bucket-problem.ts';

/** So often in a row a broken stream is taken up again without a single byte more. */
const ATTEMPTS = 4;
const PAUSE_MS = 200;

export interface ObjectBytes {
  bytes: AsyncIterable<Uint8Array>;
  /** Ends the request, also when nobody has begun to read. */
  close(): void;
}

/**
 * An object's bytes, or undefined when there is no object. A connection that breaks off, or ends early, is taken up again
 * at the next byte: what a client pulls for an hour survives a server that restarts.
 */
export async function openObject(
  bucket: ObjectBucket,
  key: string,
  range: ByteRange,
): Promise<ObjectBytes | undefined> {
  const first = await bucket.get(key, range);
  if (first === undefined) return undefined;
  const stream = new ObjectStream(bucket, key, range, first);
  return { bytes: stream.read(), close: () => stream.close() };
}

class ObjectStream {
  readonly #bucket: ObjectBucket;
  readonly #key: string;
  readonly #end: number;
  #at: number;
  #body: Readable | undefined;
  #closed = false;

  constructor(bucket: ObjectBucket, key: string, { start, end }: ByteRange, first: Readable) {
    this.#bucket = bucket;
    this.#key = key;
    this.#at = start;
    this.#end = end;
    this.#body = first;
  }

  close(): void {
    this.#closed = true;
    this.#body?.destroy();
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    let failures = 0;
    try {
      while (this.#at <= this.#end) {
        const before = this.#at;
        try {
          yield* this.#rest();
        } catch (error) {
          this.#body?.destroy();
          this.#body = undefined;
          failures = this.#at > before ? 1 : failures + 1;
          if (this.#closed || failures === ATTEMPTS) throw bucketProblem(error, this.#bucket.url);
          await pause(PAUSE_MS * 2 ** failures);
        }
      }
    } finally {
      this.#body?.destroy();
    }
  }

  async *#rest(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#body ??= await this.#bucket.get(this.#key, { start: this.#at, end: this.#end });
    if (this.#body === undefined) throw new Error(`${this.#key} has gone from ${this.#bucket.url}`);
    for await (const chunk of this.#body as AsyncIterable<Uint8Array>) {
      const wanted = chunk.subarray(0, this.#end + 1 - this.#at);
      this.#at += wanted.length;
      yield wanted;
      if (this.#at > this.#end) return;
    }
    throw new Error(`an answer of ${this.#bucket.url} ended early: socket hang up`);
  }
}
