import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { readSmall } from '../lib/bytes.ts';
import { hasErrorCode, Problem, type ProblemCode } from '../lib/problem.ts';
import { Unreachable } from './unreachable.ts';

/** Longer than any answer that a command reads whole. Bytes. */
const ANSWER_LIMIT = 4 << 20;

/** A call of the Engine API that is under way: its head has come, its body may take as long as a container runs. */
export interface DockerAnswer {
  /** The body's JSON. @throws Unreachable when the server goes before its end */
  json(): Promise<unknown>;
}

/** The docker door of the running server, on the unix socket of its data folder. */
export class DockerClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Resolves with the head of the answer. @throws Problem with what the door says; Unreachable */
  async send(method: string, path: string, body?: object): Promise<DockerAnswer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(this.#options(method, path, body), resolve);
      outgoing.once('error', (error) => reject(this.#unreachable(error)));
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const text = async () => {
      try {
        return (await readSmall(response, ANSWER_LIMIT)).toString('utf8');
      } catch (error) {
        throw this.#unreachable(error);
      }
    };
    const { statusCode: status = 500 } = response;
    if (status >= 400) throw refusal(status, await text());
    return {
      json: async () => {
        const said = await text();
        return said.trim() === '' ? undefined : JSON.parse(said);
      },
    };
  }

  /** Both directions of a container's streams. @throws as `send` */
  async hijack(path: string): Promise<Duplex> {
    return await new Promise((resolve, reject) => {
      const options = this.#options('POST', path);
      const outgoing = request({ ...options, headers: { connection: 'Upgrade', upgrade: 'tcp' } });
      outgoing.once('upgrade', (_response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      outgoing.once('response', (response) => {
        readSmall(response, ANSWER_LIMIT).then(
          (bytes) => reject(refusal(response.statusCode ?? 500, bytes.toString('utf8'))),
          reject,
        );
      });
      outgoing.once('error', (error) => reject(this.#unreachable(error)));
      outgoing.end();
    });
  }

  #options(method: string, path: string, body?: object): RequestOptions {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    return { socketPath: this.#socketPath, path, method, headers, agent: false };
  }

  #unreachable(error: unknown): unknown {
    if (hasErrorCode(error, 'ENOENT', 'ECONNREFUSED'))
      return new Unreachable(
        `no server answers at ${this.#socketPath}`,
        'Containers run in the server. Start one with `slipway serve`, or name its data folder with --data.',
      );
    if (hasErrorCode(error, 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'))
      return new Unreachable(
        'the server went away, and its containers with it',
        'What it said last is in its log. Start it again with `slipway serve`.',
      );
    if (hasErrorCode(error, 'EACCES'))
      return new Problem('denied', `${this.#socketPath} belongs to another user`, {
        hint: 'Run this as the user who runs the server.',
      });
    return error;
  }
}

const CODES: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
};

function refusal(status: number, text: string): Problem {
  let message = text.trim();
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && 'message' in json) message = String(json.message);
  } catch {
    // a proxy's page, perhaps: shown as it is
  }
  return new Problem(CODES[status] ?? 'failed', message);
}
