import { hash } from 'node:crypto';
import { type Digest, Digester } from '../../images/digest.ts';

const NOTHING = Buffer.alloc(0);

/** Hashes a file's bytes as they go by, and keeps them too when the file is one of the few whose text is wanted. */
export class PassingBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #kept: Uint8Array[] | undefined;
  /** Most files are one chunk, for which the one call that takes it whole costs a third of a hash that is fed. */
  #first: Uint8Array | undefined;
  #digester: Digester | undefined;
  /** Bytes that have passed. */
  size = 0;

  constructor(source: AsyncIterable<Uint8Array>, keep: boolean) {
    this.#source = source;
    this.#kept = keep ? [] : undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#source) {
      this.#measure(chunk);
      this.#kept?.push(chunk);
      yield chunk;
    }
  }

  #measure(chunk: Uint8Array): void {
    this.size += chunk.length;
    if (this.#digester !== undefined) this.#digester.update(chunk);
    else if (this.#first === undefined) this.#first = chunk;
    else {
      this.#digester = new Digester();
      this.#digester.update(this.#first);
      this.#digester.update(chunk);
      this.#first = undefined;
    }
  }

  finish(): Digest {
    return this.#digester?.finish() ?? `sha256:${hash('sha256', this.#first ?? NOTHING, 'hex')}`;
  }

  get text(): string | undefined {
    return this.#kept === undefined ? undefined : Buffer.concat(this.#kept).toString('utf8');
  }
}
