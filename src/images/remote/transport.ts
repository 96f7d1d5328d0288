import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import { checkLiteralAddress, guardedLookup } from './address-guard.ts';
import { type ExchangeRequest, exchange, IDLE_LIMITS, type IdleLimits, type RequestBody } from './exchange.ts';
import type { AddressRules } from './hosts.ts';

export interface TransportRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Record<string, string> | undefined;
  body?: RequestBody | undefined;
  signal?: AbortSignal | undefined;
  /** Tries in all when the connection breaks or the peer is busy; 1 for what must not be done twice. 4 unless told. */
  attempts?: number | undefined;
  /** What is in the body is for this host alone: a redirect to another one is the answer. */
  staysHere?: boolean | undefined;
}

export interface Answer {
  status: number;
  /** The first value of a header. */
  header(name: string): string | undefined;
  /** Must be read or destroyed. */
  body: IncomingMessage;
  /** Where it came from in the end. */
  url: URL;
}

export interface TransportOptions {
  limits?: IdleLimits;
  /** Milliseconds before the second try, doubled each time. */
  retryDelay?: number;
}

const MAX_REDIRECTS = 10;

/** Longest Retry-After that is waited for; beyond it the refusal is the answer. Milliseconds. */
const MAX_WAIT = 60_000;

const BUSY = new Set([408, 429, 500, 502, 503, 504]);

/** Connections that broke and may hold the next time; a refused one or an unknown name will be the same in a second. */
const BROKEN = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNABORTED', 'ENETUNREACH', 'EHOSTUNREACH'];

export function isBrokenConnection(error: unknown): boolean {
  return hasErrorCode(error, ...BROKEN);
}

/** HTTP as registries need it: connections kept, tries repeated, redirects followed without credentials leaving their host. */
export class Transport {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 16 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 16 });
  readonly #allow: AddressRules['allowAddress'];
  readonly #isNamed: (host: string) => boolean;
  readonly #lookup: LookupFunction | undefined;
  readonly #limits: IdleLimits;
  readonly #retryDelay: number;

  constructor(hosts: AddressRules, options: TransportOptions = {}) {
    this.#allow = hosts.allowAddress;
    this.#isNamed = hosts.isNamed ?? (() => false);
    this.#lookup = hosts.allowAddress === undefined ? undefined : guardedLookup(hosts.allowAddress);
    this.#limits = options.limits ?? IDLE_LIMITS;
    this.#retryDelay = options.retryDelay ?? 500;
  }

  /**
   * Any status is an answer, also those of refusals.
   * @throws Problem `timeout`, `cancelled`, `denied` (address); Node's own error when there is no connection
   */
  async send(request: TransportRequest): Promise<Answer> {
    const attempts = request.attempts ?? 4;
    for (let attempt = 1; ; attempt++) {
      const wait = this.#retryDelay * 2 ** (attempt - 1) * (1 + Math.random() / 4);
      try {
        const answer = await this.#follow(request);
        if (!BUSY.has(answer.status) || attempt >= attempts) return answer;
        const asked = retryAfter(answer.header('retry-after'));
        if (asked !== undefined && asked > MAX_WAIT) return answer;
        answer.body.resume();
        await pause(Math.max(wait, asked ?? 0), request.signal);
      } catch (error) {
        if (attempt >= attempts || request.signal?.aborted || !isBrokenConnection(error)) throw error;
        await pause(wait, request.signal);
      }
    }
  }

  async #follow(request: TransportRequest): Promise<Answer> {
    const headers = { 'user-agent': 'slipway', ...request.headers };
    let next: ExchangeRequest = {
      method: request.method,
      url: request.url,
      headers,
      body: request.body,
      signal: request.signal,
    };
    for (let hops = 0; ; hops++) {
      const answer = await this.#exchange(next);
      const location = answer.header('location');
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      const target = new URL(location, next.url);
      if (request.staysHere === true && target.origin !== request.url.origin) return answer;
      if (hops === MAX_REDIRECTS) throw new Problem('unavailable', `${request.url.origin} redirects in a circle`);
      answer.body.resume();
      next = redirected(next, answer.status, target);
    }
  }

  async #exchange(request: ExchangeRequest): Promise<Answer> {
    const { url } = request;
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new Problem('denied', `${url.protocol}//${url.host}: only http and https are spoken`);
    const allow = this.#isNamed(url.host) ? undefined : this.#allow;
    if (allow !== undefined) checkLiteralAddress(url.hostname, allow);
    const agent = url.protocol === 'https:' ? this.#https : this.#http;
    const lookup = allow === undefined ? undefined : this.#lookup;
    const body = await exchange(request, { agent, lookup, limits: this.#limits });
    const header = (name: string) => {
      const value = body.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    return { status: body.statusCode ?? 0, header, body, url };
  }

  /** Ends idle connections; those in use end with their exchange. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** Authorization stays with the host that it was meant for: storage back-ends behind registries are other people's. */
function redirected(request: ExchangeRequest, status: number, url: URL): ExchangeRequest {
  const headers = { ...request.headers };
  if (url.origin !== request.url.origin) delete headers['authorization'];
  const asGet = status === 303 || (status < 303 && request.method === 'POST');
  return asGet ? { ...request, method: 'GET', url, headers, body: undefined } : { ...request, url, headers };
}

/** Seconds or a date (RFC 9110, 10.2.3), as milliseconds from now. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
