import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeHandler } from '../http/door.ts';
import {
  asJson,
  asListing,
  isFolder,
  lookUp,
  type MetadataFacts,
  type MetadataFolder,
  metadataTree,
  SCOPES,
} from './metadata-tree.ts';

export interface MetadataParts extends MetadataFacts {
  /** The secret of the build's identity. */
  token: string;
  /** Milliseconds since 1970 when the build is over at the latest. */
  expiresAt: number;
  now(): number;
}

const ROOT = '/computeMetadata/v1/';
const NOT_FOUND: Answer = { status: 404, text: 'Not Found\n' };

/** Whether the metadata server answers it; everything else on the address is somebody else's. */
export function servesMetadata(path: string): boolean {
  return path === '/' || path === '/computeMetadata' || path.startsWith('/computeMetadata/');
}

interface Answer {
  status: number;
  text: string;
  type?: string;
}

/**
 * Compute Engine's metadata server for one build, as far as client libraries ask it: who the build is and the token of its
 * identity. As there, a request has to say `Metadata-Flavor: Google`, which no web page and no plain redirect can make a
 * program say, and must not have come through a proxy.
 */
export function metadataHandler(parts: MetadataParts): NodeHandler {
  const tree = metadataTree(parts);
  return (request, response) => send(response, refusalOf(request) ?? answerTo(request.url ?? '/', tree, parts));
}

function answerTo(target: string, tree: MetadataFolder, parts: MetadataParts): Answer {
  const url = new URL(target, 'http://metadata.google.internal');
  if (url.pathname === '/') return { status: 200, text: 'computeMetadata/\n' };
  if (/^\/computeMetadata\/?$/.test(url.pathname)) return { status: 200, text: 'v1/\n' };
  if (!`${url.pathname}/`.startsWith(ROOT)) return NOT_FOUND;
  const path = url.pathname.slice(ROOT.length).split('/').filter(Boolean).map(decoded);
  const secret = secretOf(path, tree);
  if (secret === 'token') return json(tokenOf(url.searchParams, parts));
  if (secret === 'identity')
    return { status: 404, text: 'Slipway signs no identity tokens: nobody outside could verify them.\n' };
  const found = lookUp(tree, path);
  if (found === undefined) return NOT_FOUND;
  const { searchParams: query } = url;
  if (query.get('recursive') === 'true' || query.get('alt') === 'json') return json(asJson(found));
  if (isFolder(found)) return { status: 200, text: asListing(found) };
  return { status: 200, text: typeof found === 'string' ? found : found.map((line) => `${line}\n`).join('') };
}

/** `instance/service-accounts/ACCOUNT/token`, of an account that there is. */
function secretOf(path: readonly string[], tree: MetadataFolder): string | undefined {
  const name = path[3];
  if (path.length !== 4 || (name !== 'token' && name !== 'identity')) return undefined;
  return path[1] === 'service-accounts' && lookUp(tree, path.slice(0, 3)) !== undefined ? name : undefined;
}

function refusalOf({ method, headers }: IncomingMessage): Answer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'Method Not Allowed\n' };
  if (headers['x-forwarded-for'] !== undefined) return { status: 403, text: 'Requests through a proxy are refused.\n' };
  if (String(headers['metadata-flavor']).toLowerCase() !== 'google')
    return { status: 403, text: 'Missing Metadata-Flavor:Google header.\n' };
  return undefined;
}

/** The identity has one scope, whatever a client asks for. */
function tokenOf(query: URLSearchParams, { token, expiresAt, now }: MetadataParts): object {
  const left = Math.max(1, Math.floor((expiresAt - now()) / 1000));
  const asked = query.get('scopes');
  return {
    access_token: token,
    expires_in: left,
    token_type: 'Bearer',
    ...(asked === null ? {} : { scope: SCOPES.join(' ') }),
  };
}

/** What can't be decoded is a name that nothing has. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function json(value: unknown): Answer {
  return { status: 200, text: JSON.stringify(value), type: 'application/json' };
}

function send(response: ServerResponse, { status, text, type = 'application/text' }: Answer): void {
  response.writeHead(status, {
    'metadata-flavor': 'Google',
    server: 'Metadata Server for VM',
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}
