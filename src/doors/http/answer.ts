import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasErrorCode } from '../../lib/problem.ts';

/** Answers with a small body in hand; HEAD gets its headers only. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendBytes(response, status, JSON.stringify(value), { 'Content-Type': 'application/json', ...headers });
}

/** Answers without a body. 204 must not carry a length (RFC 9110, section 8.6), everything else says 0. */
export function sendEmpty(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, status === 204 ? headers : { 'Content-Length': 0, ...headers });
  response.end();
}

/**
 * Sends a stream as the body, at the client's pace. A client that goes away ends the stream and is no error of ours; a
 * source that breaks cuts the connection, because the status line has left already.
 */
export async function sendStream(response: ServerResponse, source: Readable): Promise<void> {
  try {
    await pipeline(source, response);
  } catch (error) {
    if (!hasErrorCode(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE')) throw error;
  }
}

/** The path and query of a request, whatever form its request line has. */
export function urlOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const target = request.url ?? '/';
  const absolute = /^https?:\/\/[^/?]*/i.exec(target);
  const rest = absolute === null ? target : target.slice(absolute[0].length);
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(mark < 0 ? '' : rest.slice(mark + 1)) };
}
