import { hash } from 'node:crypto';
import { closeSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { LayerEncoder } from '../../images/compress.ts';
import { type Digest, Digester } from '../../images/digest.ts';
import { BLOCK, encodeHeader, padding, type TarHeader, writePlainHeader } from '../../images/tar/header.ts';
import { changedWhileRead } from '../../images/tar/write.ts';
import { HUGE, layerFileBytes, SMALL } from './file-bytes.ts';
import { PassingBytes } from './passing-bytes.ts';
import { ThreadedBytes } from './threaded-bytes.ts';

const readAsync = promisify(read);

/** A file that is open for reading, at its beginning; whoever takes it closes it. */
export interface OpenedFile {
  fd: number;
  size: number;
}

export type Body = OpenedFile | AsyncIterable<Uint8Array>;

/** What was learnt of a file while its bytes passed. */
export interface Measured {
  digest: Digest;
  /** When it was asked for. */
  text?: string | undefined;
}

/**
 * A layer's tar, written straight into the encoder's blocks: a small file is read to where the tar has it, and hashed there.
 * Everything is done at once as long as it fits into the block at hand, which some hundred files in a row do; a promise is
 * given only where something has to be waited for, and has to be awaited before the next entry.
 */
export class LayerTar {
  readonly #encoder: LayerEncoder;
  /** Told of the bytes of files that are in. */
  readonly #passed: ((bytes: number) => void) | undefined;

  constructor(encoder: LayerEncoder, passed?: (bytes: number) => void) {
    this.#encoder = encoder;
    this.#passed = passed;
  }

  /** An entry without bytes. */
  entry(header: TarHeader): Promise<void> | undefined {
    const { room } = this.#encoder;
    if (room.length > BLOCK && writePlainHeader(room, header)) return this.#encoder.wrote(BLOCK);
    return this.#header(header);
  }

  /**
   * A file and its bytes; its fate is no longer the caller's, also when this fails.
   * @param keepText whether its bytes are wanted as text, too
   * @throws Problem `conflict` when it is longer or shorter than its header says, which means that it changed meanwhile
   */
  file(header: TarHeader, open: () => Body, keepText: boolean): Measured | Promise<Measured> {
    const { room } = this.#encoder;
    const { size } = header;
    const whole = BLOCK + size + padding(size);
    if (keepText || size > SMALL || whole >= room.length || !writePlainHeader(room, header))
      return this.#longFile(header, open, keepText);
    const body = open();
    if (Symbol.asyncIterator in body) {
      this.#encoder.wrote(BLOCK);
      return this.#streamed(header, body, false);
    }
    // one byte more than expected shows a file that grew
    const count = readWhole(body.fd, room, BLOCK, size + 1);
    if (count !== size) throw changedWhileRead(header.name, size, count);
    const bytes = room.subarray(BLOCK, BLOCK + size);
    const digest: Digest = `sha256:${hash('sha256', bytes, 'hex')}`;
    room.fill(0, BLOCK + size, whole);
    this.#passed?.(size);
    this.#encoder.wrote(whole);
    return { digest };
  }

  /** What ends a tar. */
  async finish(): Promise<void> {
    await this.#encoder.add(Buffer.alloc(2 * BLOCK));
  }

  async #header(header: TarHeader): Promise<void> {
    await this.#encoder.add(encodeHeader(header));
  }

  async #longFile(header: TarHeader, open: () => Body, keepText: boolean): Promise<Measured> {
    await this.#header(header);
    const body = open();
    if (Symbol.asyncIterator in body) return await this.#streamed(header, body, keepText);
    if (keepText || header.size >= HUGE)
      return await this.#streamed(header, layerFileBytes(body.fd, header.size), keepText);
    return await this.#copied(header, body.fd);
  }

  /** Read into the blocks, piece by piece, because a block may end anywhere in it. */
  async #copied({ name, size }: TarHeader, fd: number): Promise<Measured> {
    const digester = new Digester();
    try {
      for (;;) {
        const { room } = this.#encoder;
        const count =
          size <= SMALL
            ? readSync(fd, room, 0, room.length, null)
            : (await readAsync(fd, room, 0, room.length, null)).bytesRead;
        const seen = digester.size + count;
        if (seen > size || (count === 0 && seen < size)) throw changedWhileRead(name, size, seen);
        if (count === 0) break;
        digester.update(room.subarray(0, count));
        this.#passed?.(count);
        await this.#encoder.wrote(count);
      }
    } finally {
      closeSync(fd);
    }
    await this.#encoder.add(Buffer.alloc(padding(size)));
    return { digest: digester.finish() };
  }

  async #streamed({ name, size }: TarHeader, source: AsyncIterable<Uint8Array>, keepText: boolean): Promise<Measured> {
    const passing = size >= HUGE && !keepText ? new ThreadedBytes(source) : new PassingBytes(source, keepText);
    let seen = 0;
    for await (const chunk of passing) {
      seen += chunk.length;
      if (seen > size) break;
      this.#passed?.(chunk.length);
      await this.#encoder.add(chunk);
    }
    if (seen !== size) throw changedWhileRead(name, size, seen);
    await this.#encoder.add(Buffer.alloc(padding(size)));
    return { digest: passing.finish(), text: 'text' in passing ? passing.text : undefined };
  }
}

/** Reads up to `length` bytes in place; the file is closed. @returns how many there were */
function readWhole(fd: number, into: Buffer, at: number, length: number): number {
  try {
    let count = 0;
    while (count < length) {
      const more = readSync(fd, into, at + count, length - count, null);
      count += more;
      // all but the byte too many: a file gives less than was asked for only at its end
      if (more === 0 || count === length - 1) break;
    }
    return count;
  } finally {
    closeSync(fd);
  }
}
