import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { drain } from './body.ts';

/** Google's form of an error (google.rpc.Status as JSON). */
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

/** What a door of Google's JSON APIs renders its errors by: one function, in one place of the door. */
export type SendError = (
  error: FastifyError | GoogleError | Problem | Error,
  request: FastifyRequest,
  reply: FastifyReply,
) => void;

/** An error of the API that is no complaint of a lower room, complete as it is sent. */
export class GoogleError extends Error {
  readonly code: number;
  readonly status: string;

  constructor(code: number, status: string, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** For a path that is none of the API's. Google says 404, also for methods that it has and we don't: gcloud repeats on 501. */
export function unknownMethod(): GoogleError {
  return new GoogleError(404, 'NOT_FOUND', 'Method not found.');
}

/**
 * A body that was refused before its end goes on to be read, or the client would lose the answer with the connection.
 * @param door for the log, when an error is a mistake of ours
 */
export function googleErrors(door: string): SendError {
  return (error, request, reply) => {
    const [code, status, message] = describe(door, error);
    drain(request.raw);
    reply.removeHeader('connection'); // Fastify's `close`, which would cut the client off while it still writes
    reply.status(code).send({ error: { code, message, status } } satisfies WireError);
  };
}

/** The advice stands below the API's own text, which stays a line by itself. */
function describe(
  door: string,
  error: FastifyError | GoogleError | Problem | Error,
): [code: number, status: string, message: string] {
  if (error instanceof GoogleError) return [error.code, error.status, error.message];
  if (error instanceof Problem) {
    const message = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
    return [...STATUSES[error.code], message];
  }
  const said = 'statusCode' in error ? error.statusCode : undefined;
  if (said !== undefined && said >= 400 && said < 500) return [said, 'INVALID_ARGUMENT', messageOf(error)];
  log.error({ err: error }, `the ${door} door failed`);
  return [500, 'INTERNAL', 'Internal error encountered.'];
}
