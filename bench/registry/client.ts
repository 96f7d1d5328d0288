import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '../../src/lib/problem.ts';

export interface Answer {
  location: string;
  /** Of the body, which is dropped as it comes. */
  bytes: number;
}

export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  path: string;
  headers?: Record<string, string>;
  /** A stream goes out in chunks, without a length. */
  body?: Buffer | Readable;
  expect: number;
}

/** The same client for every registry: connections are kept, bodies are counted and dropped. */
export class RegistryClient {
  readonly #origin: URL;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(origin: string, token?: string) {
    this.#origin = new URL(origin);
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** @throws Problem `failed` on any other status than the one expected */
  async call({ method, path, headers, body, expect }: Call): Promise<Answer> {
    const outgoing = request({
      host: this.#origin.hostname,
      port: this.#origin.port,
      method,
      path,
      headers: {
        ...this.#headers,
        ...headers,
        ...(Buffer.isBuffer(body) ? { 'content-length': String(body.length) } : {}),
      },
      agent: this.#agent,
    });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    if (body === undefined || Buffer.isBuffer(body)) outgoing.end(body);
    else body.pipe(outgoing);
    const [response] = await answered;
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(response, 'end');
    if (response.statusCode !== expect)
      throw new Problem('failed', `${method} ${path}: ${response.statusCode} in place of ${expect}`);
    const { location = '' } = response.headers;
    return { location: location.startsWith('http') ? location.slice(this.#origin.origin.length) : location, bytes };
  }

  close(): void {
    this.#agent.destroy();
  }
}
