import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify';
import { Problem } from '../../lib/problem.ts';
import { readBody } from './body.ts';
import { type SendError, unknownMethod } from './google-errors.ts';

/** Longest path segment: an operation's name, or an image's path with its slashes encoded; fastify's default is 100. */
const MAX_PARAM_LENGTH = 1000;
/** A build request with 300 steps and scripts; the hosted limit is of this order. Bytes. */
const BODY_LIMIT = 4 << 20;

/** A door of one of Google's JSON APIs behind Fastify, with Fastify's own errors rendered as the door's, too. Listens nowhere by itself. */
export async function googleServer(door: FastifyPluginAsync, sendError: SendError): Promise<FastifyInstance> {
  const server = fastify({
    routerOptions: {
      maxParamLength: MAX_PARAM_LENGTH,
      // every value is a text: of a parameter that is given twice, the last one
      querystringParser: (text) => Object.fromEntries(new URLSearchParams(text)),
    },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
    forceCloseConnections: false,
  });
  server.setErrorHandler(sendError);
  server.setNotFoundHandler((request, reply) => sendError(unknownMethod(), request, reply));
  readJsonBodies(server);
  await server.register(door);
  await server.ready();
  return server;
}

/** Bodies are JSON whatever they are called, and an empty one is an empty message. */
function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  // read by ourselves: Fastify stops reading at its limit, and the client loses the answer with the connection
  server.addContentTypeParser('*', async (request: FastifyRequest) => {
    const body = (await readBody(request.raw, BODY_LIMIT)).toString('utf8');
    try {
      return body === '' ? {} : (JSON.parse(body) as unknown);
    } catch {
      throw new Problem('invalid', 'Invalid JSON payload received. The body is not JSON.');
    }
  });
}
