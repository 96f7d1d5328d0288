import { type FileHandle, open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ByteRange } from './content.ts';

const READ_BYTES = 1 << 20;

/**
 * A file that is read by any number of readers while it is being written. The last byte is given to nobody before
 * `complete`: so whoever has read to the end has bytes that were checked and kept, and a failure cuts every reader.
 */
export class GrowingFile {
  readonly path: string;
  readonly #size: number;
  readonly #writer: FileHandle;
  readonly #waiting = new Set<() => void>();
  #written = 0;
  #complete = false;
  #failure: unknown;

  private constructor(path: string, size: number, writer: FileHandle) {
    this.path = path;
    this.#size = size;
    this.#writer = writer;
  }

  /** @param size bytes that will come */
  static async create(path: string, size: number): Promise<GrowingFile> {
    return new GrowingFile(path, size, await open(path, 'wx', 0o444));
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.#writer.write(chunk, done, chunk.length - done, this.#written);
      done += bytesWritten;
      this.#written += bytesWritten;
    }
    this.#wake();
  }

  /** No more bytes come; readers wait on for `complete`. */
  async close(): Promise<void> {
    await this.#writer.close();
  }

  complete(): void {
    this.#complete = true;
    this.#wake();
  }

  /** Leaves no file, and cuts all readers. */
  async fail(error: unknown): Promise<void> {
    await this.#writer.close().catch(() => undefined); // closed already when the failure came after the last byte
    await rm(this.path, { force: true });
    this.#failure = error;
    this.#wake();
  }

  /**
   * Reads at its own pace, whatever becomes of the file's name. It must be read or destroyed.
   * @throws Node's ENOENT when the file has ended meanwhile, well or badly
   */
  async reader(range: ByteRange = { start: 0, end: this.#size - 1 }): Promise<Readable> {
    const handle = await open(this.path, 'r');
    let position = range.start;
    let wake: (() => void) | undefined;
    const next = async (): Promise<Uint8Array | null> => {
      if (position > range.end) return null;
      while (this.#visible() <= position) {
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.#waiting.add(resolve);
        });
        if (stream.destroyed) return null;
      }
      const length = Math.min(READ_BYTES, this.#visible() - position, range.end - position + 1);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    };
    let reading: Promise<void> = Promise.resolve();
    const stream = new Readable({
      highWaterMark: READ_BYTES,
      read() {
        reading = next().then(
          (chunk) => void stream.push(chunk),
          (error: unknown) => void stream.destroy(error instanceof Error ? error : new Error(String(error))),
        );
      },
      destroy: (error, callback) => {
        if (wake !== undefined) this.#waiting.delete(wake);
        wake?.();
        const close = () => handle.close().then(() => callback(error), callback);
        void reading.then(close, close);
      },
    });
    return stream;
  }

  #visible(): number {
    return this.#complete ? this.#written : Math.min(this.#written, this.#size - 1);
  }

  #wake(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of all) wake();
  }
}
