import type { FastifyInstance } from 'fastify';
import type { NodeHandler } from '../http/door.ts';
import { googleServer } from '../http/google-server.ts';
import type { CloudBuildDeps } from './call.ts';
import { cloudbuildDoor } from './door.ts';
import { sendError } from './errors.ts';

/** The door behind Fastify. Listens nowhere by itself. */
export function cloudbuildServer(deps: CloudBuildDeps): Promise<FastifyInstance> {
  return googleServer(cloudbuildDoor(deps), sendError);
}

/** The same as a plain handler, to be called for `/v1/projects/*` and `/v1/operations/*`. */
export async function cloudbuildHandler(deps: CloudBuildDeps): Promise<NodeHandler> {
  const server = await cloudbuildServer(deps);
  return (request, response) => server.routing(request, response);
}
