import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** As cheap as larger ones, since nothing is allocated; two of them stand behind every client. */
const BLOCK_BYTES = 256 * 1024;
/** Blocks that wait for the next reader; what more is needed at a peak is given back after it. */
const KEPT_BLOCKS = 16;

const spare: Buffer[] = [];

/**
 * A part of an open file, whose handle it closes. Read like any stream, every chunk has memory of its own. Whoever can say
 * when it is done with a chunk calls `lend` in its place: a large file then passes through two blocks, where new ones for
 * each of its megabytes would keep the collector of garbage busy for longer than the reading takes.
 */
export class LendingReadable extends Readable {
  readonly #handle: FileHandle;
  #position: number;
  #left: number;
  readonly #readBytes: number;

  /** @param part bytes from `start` on, and how many of them may be held at a time */
  constructor(handle: FileHandle, { start, length, readBytes }: { start: number; length: number; readBytes: number }) {
    super({ highWaterMark: Math.max(1, Math.min(readBytes, length)) });
    this.#handle = handle;
    this.#position = start;
    this.#left = length;
    this.#readBytes = readBytes;
  }

  /**
   * Gives every chunk to `take`, in order; its memory is used again once that has resolved. The next is read meanwhile. The
   * stream is over afterwards, also when either has failed; destroying it ends the reading.
   * @returns how many bytes there were: less than the length when the file was cut
   */
  async lend(take: (chunk: Buffer) => Promise<void>): Promise<number> {
    const blockBytes = Math.min(BLOCK_BYTES, this.#readBytes >> 1);
    let block = newBlock(blockBytes);
    let other = newBlock(blockBytes);
    let taken = 0;
    let taking = Promise.resolve();
    try {
      while (!this.destroyed) {
        const chunk = await this.#readInto(block);
        await taking;
        if (chunk.length === 0) break;
        taken += chunk.length;
        taking = take(chunk);
        taking.catch(() => undefined); // thrown by the await above, or below
        [block, other] = [other, block];
      }
      await taking;
    } finally {
      this.destroy();
    }
    if (blockBytes === BLOCK_BYTES && spare.length < KEPT_BLOCKS) spare.push(block, other);
    return taken;
  }

  async #readInto(block: Buffer): Promise<Buffer> {
    const length = Math.min(block.length, this.#left);
    if (length === 0) return block.subarray(0, 0);
    const { bytesRead } = await this.#handle.read(block, 0, length, this.#position);
    this.#position += bytesRead;
    this.#left -= bytesRead;
    return block.subarray(0, bytesRead);
  }

  override _read(): void {
    this.#readInto(Buffer.allocUnsafe(Math.min(this.#readBytes, this.#left))).then(
      (chunk) => this.push(chunk.length === 0 ? null : chunk),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handle.close().then(
      () => done(error),
      (closing: Error) => done(error ?? closing),
    );
  }
}

function newBlock(bytes: number): Buffer {
  return (bytes === BLOCK_BYTES ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
}
