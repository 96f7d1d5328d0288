import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LendingReadable } from '../../lib/lending-readable.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/** Bodies that go out together with their headers, as one piece of memory, which takes the kernel one turn. */
const ONE_WRITE_BYTES = 16 * 1024;

/** Answers with a small body in hand; HEAD gets its headers only. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
  if (response.req.method === 'HEAD') response.end();
  else if (typeof body === 'string' || body.length > ONE_WRITE_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1'); // byte for byte
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendBytes(response, status, JSON.stringify(value), { 'Content-Type': 'application/json', ...headers });
}

/** Answers without a body. 204 must not carry a length (RFC 9110, section 8.6), 304 that of what it stands for; else it is 0. */
export function sendEmpty(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, status === 204 || status === 304 ? headers : { 'Content-Length': 0, ...headers });
  response.end();
}

/**
 * Sends a stream as the body, at the client's pace. A client that goes away ends the stream and is no error of ours; a
 * source that breaks, or that ends before the `length` that was announced, cuts the connection, because the status line
 * has left already: on a connection that stays open, the client would wait for the rest for ever.
 */
export async function sendStream(response: ServerResponse, source: Readable, length?: number): Promise<void> {
  if (source instanceof LendingReadable) return sendLent(response, source, length);
  try {
    if (length === undefined) await pipeline(source, response);
    else await pipeline(source, (chunks: AsyncIterable<Uint8Array>) => exactly(length, chunks), response);
  } catch (error) {
    if (!hasErrorCode(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE')) throw error;
  }
}

/** Without new memory for every chunk: the kernel has taken one before its memory holds another. */
async function sendLent(response: ServerResponse, source: LendingReadable, length?: number): Promise<void> {
  let gone = false;
  let failed: ((error: Error) => void) | undefined;
  // a write that still waits for its turn on the connection is not told when that closes
  const closed = () => {
    gone = true;
    failed?.(new Error('the client went away'));
  };
  response.once('close', closed);
  const write = (chunk: Buffer) =>
    new Promise<void>((resolve, reject) => {
      failed = reject;
      if (response.destroyed) return closed();
      response.write(chunk, (error) => (error ? closed() : resolve()));
    });
  try {
    const sent = await source.lend(write);
    if (length !== undefined && sent !== length) throw wrongLength(sent, length);
    response.end();
  } catch (error) {
    if (!gone) throw error;
    response.destroy();
  } finally {
    response.off('close', closed);
  }
}

async function* exactly(length: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of chunks) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent !== length) throw wrongLength(sent, length);
}

function wrongLength(sent: number, length: number): Error {
  return new Error(`the source of an answer had ${sent} bytes in place of ${length}`);
}

/** The path and query of a request, whatever form its request line has. */
export function urlOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const target = request.url ?? '/';
  if (target.startsWith('/') && !target.includes('?')) return { path: target, query: new URLSearchParams() };
  const absolute = /^https?:\/\/[^/?]*/i.exec(target);
  const rest = absolute === null ? target : target.slice(absolute[0].length);
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(mark < 0 ? '' : rest.slice(mark + 1)) };
}
