import type { FileHandle } from 'node:fs/promises';

/** Writes under way at once: while one is copied into the page cache, the next is hashed. */
const IN_FLIGHT = 4;

/** Bytes after which the disk is told to begin: else all of a big layer would wait for the sync at its end. */
const FLUSH_EVERY = 32 << 20;

/** A file that is written from its beginning to its end, a few chunks at a time and ahead of the disk. */
export class LayerFile {
  readonly #handle: FileHandle;
  readonly #writing: Promise<void>[] = [];
  #position = 0;
  #unflushed = 0;
  #flushing: Promise<void> | undefined;
  /** What the disk said of bytes that it did not take. */
  #lost: { error: unknown } | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The chunk belongs to this file from here on. @throws what an earlier write met */
  async write(chunk: Uint8Array): Promise<void> {
    const written = writeWhole(this.#handle, chunk, this.#position);
    written.catch(() => undefined); // met when its turn comes
    this.#writing.push(written);
    this.#position += chunk.length;
    this.#unflushed += chunk.length;
    if (this.#writing.length >= IN_FLIGHT) await this.#writing.shift();
    if (this.#unflushed >= FLUSH_EVERY && this.#flushing === undefined) this.#flush();
  }

  /** Everything is in the file, and nothing is under way any more. @throws what a write or the disk met */
  async finish(): Promise<void> {
    const results = await Promise.allSettled([...this.#writing.splice(0), this.#flushing]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    if (this.#lost !== undefined) throw this.#lost.error;
  }

  #flush(): void {
    this.#unflushed = 0;
    // only a beginning, but its error counts: the kernel tells it once, and not again to the sync of whoever keeps the file
    this.#flushing = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#lost ??= { error };
      })
      .finally(() => {
        this.#flushing = undefined;
      });
  }
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; )
    at += (await handle.write(chunk, at, chunk.length - at, position + at)).bytesWritten;
}
