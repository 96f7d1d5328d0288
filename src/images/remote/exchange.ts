import { type Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Problem } from '../../lib/problem.ts';

/** A body that can be sent again: opened anew for every try. */
export interface RequestBody {
  /** Bytes. */
  size: number;
  open: () => Promise<AsyncIterable<Uint8Array>>;
}

export interface ExchangeRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: RequestBody | undefined;
  signal?: AbortSignal | undefined;
}

export interface ExchangeOptions {
  agent: Agent;
  lookup?: LookupFunction | undefined;
  limits: IdleLimits;
}

/** Milliseconds without a byte on the wire. There is no limit on the whole: a big layer may take hours. */
export interface IdleLimits {
  /** Until the connection stands. */
  connect: number;
  /** While bytes are due in either direction. */
  idle: number;
  /** From the last byte of a body to the answer: registries hash and copy a whole layer in between. */
  commit: number;
}

export const IDLE_LIMITS: IdleLimits = { connect: 15_000, idle: 60_000, commit: 600_000 };

/**
 * One request, one answer, no second try. The answer's body must be read or destroyed by the caller.
 * @throws Problem `timeout`, `cancelled`; Node's own error when the connection fails
 */
export async function exchange(request: ExchangeRequest, options: ExchangeOptions): Promise<IncomingMessage> {
  if (request.signal?.aborted) throw cancelled(request);
  const { method, url, body } = request;
  const headers: Record<string, string> = { ...request.headers };
  if (body !== undefined) headers['content-length'] = String(body.size);
  else if (method !== 'GET' && method !== 'HEAD') headers['content-length'] = '0';
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const outgoing = send(url, { method, headers, agent: options.agent, lookup: options.lookup });
  const watch = new Watch(outgoing, options.limits, `${method} ${url.origin}${url.pathname}`);
  let answered: IncomingMessage | undefined;
  const onAbort = () => {
    answered?.destroy(cancelled(request));
    outgoing.destroy(cancelled(request));
  };
  request.signal?.addEventListener('abort', onAbort, { once: true });
  outgoing.once('close', () => {
    watch.end();
    request.signal?.removeEventListener('abort', onAbort);
  });
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.once('response', (answer) => {
      watch.receives(answer);
      answered = answer;
      // An answer to half a request leaves the connection in the middle of it: of no use to anybody else.
      answer.once('close', () => {
        if (!outgoing.writableFinished) outgoing.destroy();
      });
      resolve(answer);
    });
    if (body === undefined) {
      outgoing.end();
      return;
    }
    sendBody(outgoing, body, watch).catch((error: unknown) => {
      reject(error);
      outgoing.destroy();
    });
  });
}

/** Sends at the peer's pace, and stops when it answers before it has heard everything (401, 413). */
async function sendBody(outgoing: ClientRequest, body: RequestBody, watch: Watch): Promise<void> {
  let sent = 0;
  watch.waitsForUs = true;
  const stopped = () => outgoing.destroyed || watch.answered;
  for await (const chunk of await body.open()) {
    if (stopped()) break;
    sent += chunk.length;
    if (sent > body.size) break;
    if (outgoing.write(chunk)) continue;
    watch.waitsForUs = false;
    await new Promise<void>((resolve) => {
      const done = () => {
        for (const event of ['drain', 'close', 'response']) outgoing.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'response']) outgoing.once(event, done);
    });
    watch.waitsForUs = true;
  }
  watch.waitsForUs = false;
  if (stopped()) return;
  if (sent !== body.size)
    throw new Problem(
      'invalid',
      `the content to send has ${sent > body.size ? 'more than ' : `${sent} instead of `}${body.size} bytes`,
    );
  watch.committing = true;
  outgoing.end();
}

/**
 * Ends an exchange on which nothing moves. A socket's own timeout can't tell who is slow: it would also fire while our
 * reader works on a chunk, or while our source has nothing to send, and neither is the peer's fault.
 */
class Watch {
  waitsForUs = false;
  committing = false;
  readonly #timer: NodeJS.Timeout;
  #answer: IncomingMessage | undefined;
  #moved = -1;
  #since = Date.now();

  constructor(outgoing: ClientRequest, limits: IdleLimits, name: string) {
    const check = () => {
      const socket = outgoing.socket;
      const connected = socket !== null && !socket.connecting;
      const moved = connected ? socket.bytesRead + socket.bytesWritten : -1;
      const readerIsSlow = this.#answer !== undefined && this.#answer.readableLength > 0;
      if (moved !== this.#moved || this.waitsForUs || readerIsSlow) {
        this.#moved = moved;
        this.#since = Date.now();
        return;
      }
      const limit = !connected ? limits.connect : this.committing && !this.answered ? limits.commit : limits.idle;
      if (Date.now() - this.#since < limit) return;
      const error = new Problem(
        'timeout',
        `${name}: ${connected ? 'nothing moved' : 'no connection'} for ${limit / 1000} s`,
        {
          hint: 'The registry, or something on the way to it, is stuck or too busy. Try again later.',
        },
      );
      this.#answer?.destroy(error);
      outgoing.destroy(error);
    };
    this.#timer = setInterval(check, Math.max(10, Math.min(limits.connect, limits.idle) / 10));
    this.#timer.unref();
  }

  get answered(): boolean {
    return this.#answer !== undefined;
  }

  receives(answer: IncomingMessage): void {
    this.#answer = answer;
    answer.once('close', () => this.end());
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function cancelled(request: ExchangeRequest): Problem {
  return new Problem('cancelled', `${request.method} ${request.url.origin}: cancelled`);
}
