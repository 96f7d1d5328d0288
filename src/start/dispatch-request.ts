import type { IncomingMessage, ServerResponse } from 'node:http';
import { servesArtifacts } from '../doors/artifacts/server.ts';
import type { NodeHandler } from '../doors/http/door.ts';
import { servesLogging } from '../doors/logging/server.ts';
import { TOKEN_PATHS } from '../doors/oauth/routes.ts';
import { servesSecrets } from '../doors/secretmanager/server.ts';
import { servesStorage } from '../doors/storage/door.ts';
import type { Metrics } from '../lib/metrics.ts';

export interface Doors {
  registry: NodeHandler;
  storage: NodeHandler;
  oauth: NodeHandler;
  logging: NodeHandler;
  console: NodeHandler;
  artifacts: NodeHandler;
  secrets: NodeHandler;
  /** Everything that no other door takes: Cloud Build's API, and its 404 in Google's form. */
  cloudbuild: NodeHandler;
}

/** Google's second API version shares `/v2/` with the registry; these are its paths, not repositories. */
const GOOGLE_V2 = /^\/v2\/(?:projects\/[^/]+\/locations\/|entries:)/;

/**
 * One port carries every door; which one is meant is told by the host's name (through the proxy) and by the path. The same
 * function serves plain requests and those that the proxy decrypted.
 */
export function dispatchRequest(doors: Doors, metrics: Metrics): NodeHandler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/healthz') return plain(response, 200, 'ok\n');
    if (path === '/metrics') return showMetrics(response, metrics);
    const door = doorOf(request, path);
    response.once('finish', () => metrics.answered(door, response.statusCode));
    doors[door](request, response);
  };
}

function doorOf(request: IncomingMessage, path: string): keyof Doors {
  if (servesLogging(request.headers.host, path)) return 'logging';
  if (servesStorage(request.headers.host, path)) return 'storage';
  if (TOKEN_PATHS.includes(path)) return 'oauth';
  if ((path === '/v2' || path.startsWith('/v2/')) && !GOOGLE_V2.test(path)) return 'registry';
  if (path.startsWith('/builds/')) return 'console';
  if (servesArtifacts(path)) return 'artifacts';
  if (servesSecrets(path)) return 'secrets';
  return 'cloudbuild';
}

function showMetrics(response: ServerResponse, metrics: Metrics): void {
  metrics.render().then(
    (text) => plain(response, 200, text, metrics.contentType),
    () => plain(response, 500, 'the metrics cannot be read\n'),
  );
}

function plain(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
