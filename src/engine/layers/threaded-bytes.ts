import type { Digest } from '../../images/digest.ts';
import { HashThread } from '../../lib/hash-thread.ts';

/** Bytes of a huge file as they go by, hashed on another processor: here they are hashed as part of the layer. */
export class ThreadedBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  #digest: Digest | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const thread = new HashThread();
    try {
      for await (const chunk of this.#source) {
        await thread.update(chunk);
        yield chunk;
      }
      this.#digest = `sha256:${await thread.finish()}`;
    } finally {
      await thread.close();
    }
  }

  /** Once all of it has passed. */
  finish(): Digest {
    if (this.#digest === undefined) throw new Error('the file has not passed yet');
    return this.#digest;
  }
}
