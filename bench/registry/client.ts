import { Problem } from '../../src/lib/problem.ts';
import { Connection, type Repeated } from './connection.ts';

export interface Answer {
  location: string;
  /** Of the body, which is dropped as it comes. */
  bytes: number;
}

export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  path: string;
  headers?: Record<string, string>;
  body?: Buffer | Repeated;
  expect: number;
}

/** The same client for every registry: connections are kept, bodies are counted and dropped. */
export class RegistryClient {
  readonly #origin: URL;
  readonly #headers: string;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();

  constructor(origin: string, token?: string) {
    this.#origin = new URL(origin);
    const bearer = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
    this.#headers = `Host: ${this.#origin.host}\r\n${bearer}`;
  }

  /** @throws Problem `failed` on any other status than the one expected */
  async call({ method, path, headers = {}, body, expect }: Call): Promise<Answer> {
    const length = Buffer.isBuffer(body) ? `Content-Length: ${body.length}\r\n` : 'Transfer-Encoding: chunked\r\n';
    const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${path} HTTP/1.1\r\n${this.#headers}${own.join('')}${body === undefined ? '' : length}`;
    const connection = this.#connection();
    const { status, bytes } = await connection.ask(head, body);
    if (status !== expect) throw new Problem('failed', `${method} ${path}: ${status} in place of ${expect}`);
    const location = connection.header('location') ?? '';
    if (connection.isOpen) this.#idle.push(connection);
    return { location: location.startsWith('http') ? location.slice(this.#origin.origin.length) : location, bytes };
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #connection(): Connection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (idle.isOpen) return idle;
    const connection = new Connection(this.#origin.hostname, Number(this.#origin.port));
    this.#all.add(connection);
    return connection;
  }
}
