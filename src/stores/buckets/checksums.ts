import { createHash, type Hash } from 'node:crypto';
import { crc32c, crc32cText } from './crc32c.ts';

/** What Cloud Storage's clients verify, measured as the bytes pass; sha256 is the content store's own. */
export class Checksums {
  #crc = 0;
  readonly #md5: Hash;
  size = 0;

  constructor(before?: Checksums) {
    this.#md5 = before === undefined ? createHash('md5') : before.#md5.copy();
    if (before === undefined) return;
    this.#crc = before.#crc;
    this.size = before.size;
  }

  update(chunk: Uint8Array): void {
    this.#crc = crc32c(chunk, this.#crc);
    this.#md5.update(chunk);
    this.size += chunk.length;
  }

  get crc32c(): string {
    return crc32cText(this.#crc);
  }

  /** Base64. May be asked for at any time; measuring goes on behind it. */
  get md5(): string {
    return this.#md5.copy().digest('base64');
  }

  /** The same bytes, measured as they are taken. */
  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.update(chunk);
      yield chunk;
    }
  }
}
