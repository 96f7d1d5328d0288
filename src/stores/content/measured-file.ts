import type { FileHandle } from 'node:fs/promises';
import type { Digester } from '../../images/digest.ts';
import { discarded } from '../../lib/young-garbage.ts';

/** Few large writes instead of many small ones: 16 socket reads of 64 KiB make one. */
const BLOCK_BYTES = 1 << 20;

/**
 * Appends to an open file and measures what it writes. One block is hashed on this thread while the block before it is
 * being written by the thread pool. `digester.size` runs ahead of the file until `flush` has resolved.
 */
export class MeasuredFile {
  readonly #handle: FileHandle;
  readonly #digester: Digester;
  readonly #blockBytes: number;
  #block: Buffer | undefined;
  #spare: Buffer | undefined;
  #filled = 0;
  #position: number;
  #writing: Promise<void> = Promise.resolve();

  /** @param expected bytes to come, where that is known: small blobs then take small blocks */
  constructor(handle: FileHandle, digester: Digester, expected = BLOCK_BYTES) {
    this.#handle = handle;
    this.#digester = digester;
    this.#position = digester.size;
    this.#blockBytes = Math.max(1, Math.min(expected, BLOCK_BYTES));
  }

  /** The chunk is copied: its memory may be used again once this has resolved. */
  async write(chunk: Uint8Array): Promise<void> {
    let taken = 0;
    while (taken < chunk.length) {
      this.#block ??= Buffer.allocUnsafe(this.#blockBytes);
      const part = chunk.subarray(taken, taken + this.#block.length - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#block.length) await this.#writeBlock();
    }
  }

  /** Resolves when the kernel has all bytes; they are on disk only after the handle's `sync`. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#writeBlock();
    await this.#writing;
  }

  async #writeBlock(): Promise<void> {
    const block = this.#block as Buffer;
    const bytes = block.subarray(0, this.#filled);
    this.#digester.update(bytes);
    discarded(bytes.length);
    await this.#writing;
    this.#writing = this.#writeAll(bytes);
    this.#writing.catch(() => undefined); // it is thrown by the next call, or nobody wants the file any more
    this.#block = this.#spare;
    this.#spare = block;
    this.#filled = 0;
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#position);
      done += bytesWritten;
      this.#position += bytesWritten;
    }
  }

  /** Waits for a write under way, so that the handle can be closed after an error. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }
}
