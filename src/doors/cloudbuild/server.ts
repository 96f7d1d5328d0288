import fastify, { type FastifyInstance } from 'fastify';
import type { NodeHandler } from '../http/door.ts';
import { sendError, sendNotFound } from './errors.ts';
import { type CloudBuildDeps, cloudbuildDoor } from './routes.ts';

/** Longest path segment: the base64 of a build id in an operation's name is 48 long, fastify's default of 100 is near. */
const MAX_PARAM_LENGTH = 500;

/** The door behind Fastify, with its own errors rendered as Google's, too. Listens nowhere by itself. */
export async function cloudbuildServer(deps: CloudBuildDeps): Promise<FastifyInstance> {
  const server = fastify({
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
    forceCloseConnections: false,
  });
  server.setErrorHandler(sendError);
  server.setNotFoundHandler(sendNotFound);
  await server.register(cloudbuildDoor(deps));
  await server.ready();
  return server;
}

/** The same as a plain handler, to be called for `/v1/projects/*` and `/v1/operations/*`. */
export async function cloudbuildHandler(deps: CloudBuildDeps): Promise<NodeHandler> {
  const server = await cloudbuildServer(deps);
  return (request, response) => server.routing(request, response);
}
