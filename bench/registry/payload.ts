import { createHash, randomBytes } from 'node:crypto';
import type { Repeated } from './connection.ts';

const BLOCK_BYTES = 1 << 20;

/** Bytes that no registry has seen: one random block, again and again. */
export class Payload {
  readonly digest: string;
  readonly #block = randomBytes(BLOCK_BYTES);
  readonly #blocks: number;

  constructor(mebibytes: number) {
    this.#blocks = mebibytes;
    const hash = createHash('sha256');
    for (let i = 0; i < mebibytes; i++) hash.update(this.#block);
    this.digest = `sha256:${hash.digest('hex')}`;
  }

  get size(): number {
    return this.#blocks * BLOCK_BYTES;
  }

  get body(): Repeated {
    return { block: this.#block, times: this.#blocks };
  }
}
