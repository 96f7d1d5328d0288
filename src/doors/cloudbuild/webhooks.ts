import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../../lib/problem.ts';
import { readBody } from '../http/body.ts';
import { projectId } from './access.ts';
import type { CloudBuildDeps, Triggering } from './call.ts';

/** GitLab's own limit is 25 MB, of which a push of twenty commits takes a few kilobytes. Bytes. */
const BODY_LIMIT = 2 << 20;

/** Where GitLab sends its events: in the API's second version, and in the first as older hooks have it. */
const PATHS = [
  '/v2/projects/:project/locations/:location/connections::processWebhook',
  '/v1/projects/:project/locations/:location/regionalWebhook',
] as const;

/** Senders without a token, who know a secret. */
export function webhookRoutes(door: FastifyInstance, deps: CloudBuildDeps, { webhooks }: Triggering): void {
  void door.register(async (raw) => {
    receiveRawBodies(raw);
    for (const path of PATHS)
      raw.post<{ Params: { project: string; location: string }; Querystring: Record<string, string> }>(
        path,
        async (request) => {
          const project = await projectId(request.params.project, deps.records, deps.pools);
          const place = { project, location: request.params.location };
          const key = request.query['webhookKey'] ?? '';
          return webhooks.gitlab(place, key, request.headers, bodyOf(request));
        },
      );
  });
}

/** Bodies come to these routes as the bytes that were sent: signatures are made over them. */
export function receiveRawBodies(door: FastifyInstance): void {
  door.removeAllContentTypeParsers();
  door.addContentTypeParser('*', async (request: FastifyRequest) => readBody(request.raw, BODY_LIMIT));
}

export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** @throws Problem `invalid` */
export function jsonBody(request: FastifyRequest): unknown {
  const text = bodyOf(request).toString('utf8');
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Problem('invalid', 'Invalid JSON payload received. The body is not JSON.');
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new Problem('invalid', 'Invalid JSON payload received. The body is no object.');
}
