import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { type ByteSpan, contentRange } from './ranges.ts';

/** Several parts of one thing as one body (RFC 9110, section 14.6). */
export interface MultipartRanges {
  contentType: string;
  /** Bytes. */
  length: number;
  /** The parts are opened one after the other, when the client has taken the one before. */
  body: Readable;
}

/** @param open gives the bytes of one span */
export function multipartRanges(
  spans: ByteSpan[],
  size: number,
  contentType: string,
  open: (span: ByteSpan) => Promise<Readable>,
): MultipartRanges {
  const boundary = randomBytes(18).toString('hex');
  const headOf = (span: ByteSpan, i: number) =>
    `${i === 0 ? '' : '\r\n'}--${boundary}\r\n` +
    `Content-Type: ${contentType}\r\nContent-Range: ${contentRange(span, size)}\r\n\r\n`;
  const end = `\r\n--${boundary}--\r\n`;
  const bytes = spans.map((span, i) => headOf(span, i).length + span.end - span.start + 1);
  const parts = async function* () {
    for (const [i, span] of spans.entries()) {
      yield Buffer.from(headOf(span, i));
      yield* await open(span);
    }
    yield Buffer.from(end);
  };
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: bytes.reduce((sum, one) => sum + one, end.length),
    body: Readable.from(parts(), { objectMode: false, highWaterMark: 64 * 1024 }),
  };
}
