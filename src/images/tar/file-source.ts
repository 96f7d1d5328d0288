import { type FileHandle, open } from 'node:fs/promises';
import { PieceSource } from './byte-source.ts';

/** Bytes of a file, as a place of which others can take them. */
export interface FilePlace {
  fd: number;
  at: number;
}

const CHUNK = 256 * 1024;

/** A file in pieces of the reader's choosing; what is skipped is never read. */
export class FileSource extends PieceSource {
  readonly #handle: FileHandle;
  readonly #size: number;
  #chunk: Buffer = Buffer.alloc(0);
  /** Where the chunk ends in the file. */
  #end = 0;

  private constructor(handle: FileHandle, size: number) {
    super();
    this.#handle = handle;
    this.#size = size;
  }

  static async open(path: string): Promise<FileSource> {
    const handle = await open(path);
    try {
      return new FileSource(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  override async part(limit: number): Promise<Buffer | undefined> {
    if (this.#chunk.length === 0) {
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      const { bytesRead } = await this.#handle.read(buffer, 0, CHUNK, this.#end);
      if (bytesRead === 0) return undefined;
      this.#chunk = buffer.subarray(0, bytesRead);
      this.#end += bytesRead;
    }
    const piece = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  override get place(): FilePlace {
    return { fd: this.#handle.fd, at: this.#end - this.#chunk.length };
  }

  override async skip(size: number): Promise<number> {
    const skipped = Math.min(size, this.#size - this.place.at);
    if (skipped <= this.#chunk.length) this.#chunk = this.#chunk.subarray(skipped);
    else {
      this.#end = this.place.at + skipped;
      this.#chunk = Buffer.alloc(0);
    }
    return skipped;
  }

  override close(): Promise<void> {
    return this.#handle.close();
  }
}
