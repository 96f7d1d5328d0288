import type { IncomingMessage } from 'node:http';
import { Problem } from '../../lib/problem.ts';

/** A body longer than its door takes: 413 in every protocol. */
export class BodyTooLong extends Problem {
  constructor(limit: number) {
    super('invalid', `the request's body is longer than the ${limit} bytes that are accepted here`);
  }
}

/**
 * Reads a small body, such as a manifest or a form. The request is not destroyed when it is too long (as leaving a
 * `for await` would do): the client has to be able to read the answer.
 * @throws BodyTooLong beyond `limit` bytes; Problem `cancelled` when the client goes away
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limit) return reject(new BodyTooLong(limit));
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        chunks.length = 0; // what follows is drained, so that the connection can carry the answer
        reject(new BodyTooLong(limit));
      }
    });
    let whole = false;
    request.once('end', () => {
      whole = true;
      resolve(Buffer.concat(chunks, size > limit ? 0 : size));
    });
    request.once('error', reject);
    // every request closes; to make an error for one that is whole takes as long as to read it
    request.once('close', () => {
      if (!whole) reject(new Problem('cancelled', 'the client went away before the end of its request'));
    });
  });
}

/** Reads an `application/x-www-form-urlencoded` body. @throws as `readBody` */
export async function readForm(request: IncomingMessage, limit = 64 * 1024): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(request, limit)).toString('utf8'));
}

/** After an early answer: long enough for a client to read it, too short to send us much for nothing. */
const DRAIN_MS = 10_000;

/**
 * Lets the rest of a body pass that was answered before its end. Closing at once instead would reset the connection, and
 * the client would lose the answer that explains why; whoever is not done soon is cut off.
 */
export function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const timer = setTimeout(() => request.destroy(), DRAIN_MS);
  const done = () => {
    clearTimeout(timer);
    socket.removeListener('close', done);
  };
  request.once('close', done);
  // a request that was answered is no longer told when its connection breaks
  socket.once('close', done);
  request.on('error', () => undefined); // the client may well leave in the middle now
  request.resume();
}
