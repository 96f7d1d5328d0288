import { Problem } from '../../lib/problem.ts';

/**
 * `multipart/related` of two parts, metadata and media (RFC 2387), as a stream. gcloud and gsutil write it in a way that
 * general parsers refuse: the boundary in single quotes that are not part of it, parts separated by bare LF. Which line
 * end holds is read off the first boundary; with bare LF, a CR before a boundary belongs to the bytes.
 */
export interface RelatedParts {
  metadata: Buffer;
  mediaType: string | undefined;
  /** To be read once and to its end. Breaks with Problem `invalid` when the closing boundary never comes. */
  media: AsyncGenerator<Buffer>;
}

const HEAD_BYTES = 16 << 10;

/** @throws Problem `invalid` when the header names no boundary */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/related\s*;.*?\bboundary=(?:"([^"]+)"|'([^']+)'|([^\s;]+))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2] ?? match?.[3];
  if (boundary === undefined) throw new Problem('invalid', 'the upload is not multipart/related with a boundary');
  return boundary;
}

/** Reads the first part and the second's headers. @throws Problem `invalid` */
export async function readRelated(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  metadataLimit: number,
): Promise<RelatedParts> {
  const input = new Input(source);
  const first = await input.until(Buffer.from(`--${boundary}`), HEAD_BYTES);
  if (first === undefined) throw broken('it does not begin with its boundary');
  const lineEnd = (await input.line(HEAD_BYTES)).endsWith('\r\n') ? '\r\n' : '\n';
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`);
  await readHeaders(input);
  const metadata = await input.until(delimiter, metadataLimit);
  if (metadata === undefined) throw broken('its first part does not end');
  await input.line(HEAD_BYTES);
  const headers = await readHeaders(input);
  return { metadata, mediaType: headers.get('content-type'), media: input.streamUntil(delimiter) };
}

async function readHeaders(input: Input): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  let left = HEAD_BYTES;
  while (true) {
    const line = await input.line(left);
    left -= line.length;
    const text = line.trim();
    if (text === '') return headers;
    const colon = text.indexOf(':');
    if (colon > 0) headers.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
  }
}

function broken(why: string): Problem {
  return new Problem('invalid', `the multipart upload is broken: ${why}`);
}

/** A stream that is read up to marks. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>;
  #kept: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @returns the line with its end */
  async line(limit: number): Promise<string> {
    const text = await this.until(Buffer.from('\n'), limit);
    if (text === undefined) throw broken('it ends in the middle of its headers');
    return `${text.toString('latin1')}\n`;
  }

  /** The bytes before the mark, which is taken too; undefined when the stream ends without one. */
  async until(mark: Buffer, limit: number): Promise<Buffer | undefined> {
    let searched = 0;
    while (true) {
      const at = this.#kept.indexOf(mark, searched);
      if (at >= 0 && at <= limit) return this.#take(at, mark.length);
      if (this.#kept.length > limit + mark.length)
        throw broken(`a part before the bytes is longer than ${limit} bytes`);
      searched = Math.max(0, this.#kept.length - mark.length + 1);
      const chunk = await this.#next();
      if (chunk === undefined) return undefined;
      this.#kept = Buffer.concat([this.#kept, chunk]);
    }
  }

  /** As `until`, for any number of bytes. What follows the mark is read and dropped. */
  async *streamUntil(mark: Buffer): AsyncGenerator<Buffer> {
    while (true) {
      const at = this.#kept.indexOf(mark);
      if (at >= 0) {
        const last = this.#take(at, mark.length);
        if (last.length > 0) yield last;
        while ((await this.#next()) !== undefined);
        return;
      }
      // the end of what we have may be the beginning of the mark
      const sure = Math.max(0, this.#kept.length - mark.length + 1);
      if (sure > 0) yield this.#take(sure, 0);
      const chunk = await this.#next();
      if (chunk === undefined) throw broken('its closing boundary is missing, so bytes may be missing too');
      this.#kept = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    }
  }

  #take(length: number, skip: number): Buffer {
    const taken = this.#kept.subarray(0, length);
    this.#kept = this.#kept.subarray(length + skip);
    return taken;
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#source.next();
    return done === true ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
