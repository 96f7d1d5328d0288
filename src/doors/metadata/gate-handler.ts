import {
  Agent,
  type ClientRequest,
  request as connect,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import type { NodeHandler } from '../http/door.ts';

export interface GateParts {
  /** HOST:PORT of our own HTTP doors. */
  doors: string;
  /** The secret of the build's identity. */
  token: string;
}

export interface Gate {
  handler: NodeHandler;
  close(): void;
}

/** Of all that our port carries: the registry, and buckets. Neither builds nor tokens, nor the metrics. */
const OPEN = [
  /^\/v2(?:\/(?!projects\/[^/]+\/locations\/|entries:)|\?|$)/,
  /^\/(?:(?:resumable\/)?upload\/|download\/)?storage\/v1\//,
];

/** By these names our port knows doors that no build may enter, whatever the path is; a path can be written in many ways. */
const CLOSED_HOST = /(?:^|\.)googleapis\.com(?::\d*)?$/i;
const OPEN_HOST = /^storage\.googleapis\.com(?::\d*)?$/i;

/** What speaks of one connection (RFC 9110, 7.6.1), or claims to say who asks. */
const DROPPED = new Set([
  'authorization',
  'connection',
  'cookie',
  'expect',
  'forwarded',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
]);

/** Nothing moved for so long: one side has gone without a word. Milliseconds. */
const IDLE_MS = 10 * 60_000;

/**
 * The way from a build's network to our registry and our buckets. Whoever comes by it is the build: its identity takes the
 * place of whatever credentials a request brought, so that the way gives no more rights than the token that every step can
 * have, and a token that a step got hold of elsewhere opens nothing here.
 */
export function openGate({ doors, token }: GateParts): Gate {
  const { hostname, port } = new URL(`http://${doors}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 4 });
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    handler: (request, response) => {
      const path = request.url ?? '';
      const name = request.headers.host ?? '';
      if (!OPEN.some((pattern) => pattern.test(path)) || (CLOSED_HOST.test(name) && !OPEN_HOST.test(name))) {
        response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
        return response.end(
          `A build reaches Slipway's registry and its buckets, and nothing else of it: ${shown(path)}\n`,
        );
      }
      const headers = { ...passedOn(request.headers), ...lengthOf(request), authorization: `Bearer ${token}` };
      const onward: ClientRequest = connect({
        agent,
        host,
        port,
        method: request.method,
        path,
        headers,
        timeout: IDLE_MS,
      });
      onward.once('timeout', () => onward.destroy(new Error('idle')));
      onward.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
        pipeline(answer, response, () => undefined);
      });
      onward.once('error', () => {
        if (response.headersSent) response.destroy();
        else refuse(response, 502, 'Slipway does not answer.\n');
      });
      response.once('close', () => onward.destroy());
      pipeline(request, onward, () => undefined);
    },
    close: () => agent.destroy(),
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(text);
}

/**
 * How long the body is, as the request came: of GET and DELETE Node would send one without saying where it ends, and what is in
 * it would be the next request on the connection, with any path and anybody's token. Whatever `Connection` names, this stays.
 */
function lengthOf({ headers }: IncomingMessage): IncomingHttpHeaders {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' };
  return headers['content-length'] === undefined ? {} : { 'content-length': headers['content-length'] };
}

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !DROPPED.has(name) && !named.has(name) && !name.startsWith('x-forwarded-'),
    ),
  );
}

function shown(path: string): string {
  return path.replace(/[^\x21-\x7e]/g, '?').slice(0, 200);
}
