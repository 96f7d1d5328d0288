import { GrpcError } from './grpc-error.ts';

/** One byte that says whether the message is compressed, four with its length. */
const HEAD_BYTES = 5;
/** A longer message is refused before its bytes are awaited. Those of our clients are below 4 MiB. */
const LONGEST_MESSAGE = 16 << 20;

/** A message as it goes over the wire: head and bytes in one piece, so that they leave in one frame. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEAD_BYTES);
  return frame;
}

/** Pieces that are smaller are gathered into one: each has a cost of its own, whatever it holds. Bytes. */
const SMALL_PIECE = 512;

/**
 * Cuts a stream into its messages. Bytes are copied only where a message lies in several pieces; once, but for those of small
 * pieces.
 */
export class MessageFrames {
  readonly #pieces: Buffer[] = [];
  #held = 0;

  /** @returns the messages that are complete now; they may share memory with the chunk */
  *take(chunk: Buffer): Generator<Buffer> {
    this.#hold(chunk);
    for (let message = this.#next(); message !== undefined; message = this.#next()) yield message;
  }

  /** Whether the stream may end here. */
  get empty(): boolean {
    return this.#held === 0;
  }

  #hold(chunk: Buffer): void {
    this.#held += chunk.length;
    const last = this.#pieces.at(-1);
    if (last === undefined || last.length + chunk.length > SMALL_PIECE) this.#pieces.push(chunk);
    else this.#pieces[this.#pieces.length - 1] = Buffer.concat([last, chunk]);
  }

  #next(): Buffer | undefined {
    if (this.#held < HEAD_BYTES) return undefined;
    const head = this.#joined(HEAD_BYTES);
    if (head[0] !== 0) throw new GrpcError('unimplemented', 'compressed messages are not supported');
    const length = head.readUInt32BE(1);
    if (length > LONGEST_MESSAGE)
      throw new GrpcError(
        'resource-exhausted',
        `a message of ${length} bytes is too long (${LONGEST_MESSAGE} at most)`,
      );
    if (this.#held < HEAD_BYTES + length) return undefined;
    const all = this.#joined(HEAD_BYTES + length);
    const rest = all.subarray(HEAD_BYTES + length);
    this.#held = this.#held - HEAD_BYTES - length;
    if (rest.length === 0) this.#pieces.shift();
    else this.#pieces[0] = rest;
    return all.subarray(HEAD_BYTES, HEAD_BYTES + length);
  }

  /** The first piece, after it was made to have at least so many bytes. */
  #joined(bytes: number): Buffer {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= bytes) return first;
    let size = 0;
    let count = 0;
    while (size < bytes) size += this.#pieces[count++]?.length ?? bytes;
    const joined = Buffer.concat(this.#pieces.slice(0, count));
    this.#pieces.splice(0, count, joined);
    return joined;
  }
}
