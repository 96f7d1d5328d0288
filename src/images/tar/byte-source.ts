import type { FilePlace } from './file-source.ts';

/** Bytes in pieces of the reader's choosing, without copying more than the pieces that span chunks. */
export abstract class PieceSource {
  /** What is at hand, at most `limit` bytes and at least one; undefined at the end. */
  abstract part(limit: number): Promise<Buffer | undefined>;

  /** Releases what the bytes come from. */
  abstract close(): Promise<void>;

  /** Where the next byte lies, when it does in a file. */
  get place(): FilePlace | undefined {
    return undefined;
  }

  /** Exactly `size` bytes, or fewer when the stream ends before. */
  async take(size: number): Promise<Buffer> {
    const first = await this.part(size);
    if (first === undefined || first.length === size) return first ?? Buffer.alloc(0);
    const parts = [first];
    let length = first.length;
    while (length < size) {
      const more = await this.part(size - length);
      if (more === undefined) break;
      parts.push(more);
      length += more.length;
    }
    return Buffer.concat(parts, length);
  }

  /** @returns how many bytes there were to skip */
  async skip(size: number): Promise<number> {
    let skipped = 0;
    while (skipped < size) {
      const piece = await this.part(size - skipped);
      if (piece === undefined) break;
      skipped += piece.length;
    }
    return skipped;
  }
}

/** Pieces of a stream of chunks. */
export class ByteSource extends PieceSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    super();
    this.#iterator = source[Symbol.asyncIterator]();
  }

  override async part(limit: number): Promise<Buffer | undefined> {
    while (this.#chunk.length === 0) {
      if (this.#ended) return undefined;
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.#ended = true;
        return undefined;
      }
      const { buffer, byteOffset, byteLength } = next.value;
      this.#chunk = Buffer.from(buffer, byteOffset, byteLength);
    }
    const piece = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  /** Ends the stream early, so that whatever feeds it is released. */
  override async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }
}
