import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { drain } from '../http/body.ts';

/** Google's form of an error; the only place where this door makes one. */
export interface WireError {
  error: { code: number; message: string; status: string };
}

/**
 * gcloud repeats a request four times on any 5xx, also one that created a build, so nothing that is known gets one:
 * `unsupported` is not 501 and `unavailable` not 503.
 */
const STATUSES: Record<ProblemCode, [code: number, status: string]> = {
  invalid: [400, 'INVALID_ARGUMENT'],
  'not-found': [404, 'NOT_FOUND'],
  unauthenticated: [401, 'UNAUTHENTICATED'],
  denied: [403, 'PERMISSION_DENIED'],
  conflict: [400, 'FAILED_PRECONDITION'],
  exhausted: [429, 'RESOURCE_EXHAUSTED'],
  unavailable: [400, 'FAILED_PRECONDITION'],
  cancelled: [499, 'CANCELLED'],
  timeout: [400, 'DEADLINE_EXCEEDED'],
  failed: [400, 'FAILED_PRECONDITION'],
  unsupported: [400, 'INVALID_ARGUMENT'],
};

export const NOT_FOUND = 'Requested entity was not found.';

/** A body that was refused before its end goes on to be read, or the client would lose this answer with the connection. */
export function sendError(error: FastifyError | Problem | Error, request: FastifyRequest, reply: FastifyReply): void {
  const [code, status, message] = describe(error);
  drain(request.raw);
  reply.removeHeader('connection'); // Fastify's `close`, which would cut the client off while it still writes
  reply.status(code).send({ error: { code, message, status } } satisfies WireError);
}

/** For paths that this door doesn't know. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): void {
  sendError(new Problem('not-found', NOT_FOUND), request, reply);
}

/** The advice stands below the API's own text, which stays a line by itself. */
function describe(error: FastifyError | Problem | Error): [code: number, status: string, message: string] {
  if (error instanceof Problem) {
    const message = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
    return [...STATUSES[error.code], message];
  }
  const said = 'statusCode' in error ? error.statusCode : undefined;
  if (said !== undefined && said >= 400 && said < 500) return [said, 'INVALID_ARGUMENT', messageOf(error)];
  log.error({ err: error }, 'the cloudbuild door failed');
  return [500, 'INTERNAL', 'Internal error encountered.'];
}
