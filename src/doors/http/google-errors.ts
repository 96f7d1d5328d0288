import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { drain } from './body.ts';

/** Google's form of an error (google.rpc.Status as JSON). */
export interface WireError {
  error: { code: number; message: string; status: string };
}

/** The HTTP status and the name of a google.rpc.Code for each kind of Problem: a door's own table. */
export type GoogleStatuses = Record<ProblemCode, [code: number, status: string]>;

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

/**
 * A body that was refused before its end goes on to be read, or the client would lose the answer with the connection.
 * @param door for the log, when an error is a mistake of ours
 */
export function googleErrors(door: string, statuses: GoogleStatuses): SendError {
  return (error, request, reply) => {
    const [code, status, message] = describe(door, statuses, error);
    drain(request.raw);
    reply.removeHeader('connection'); // Fastify's `close`, which would cut the client off while it still writes
    reply.status(code).send({ error: { code, message, status } } satisfies WireError);
  };
}

/** The advice stands below the API's own text, which stays a line by itself. */
function describe(
  door: string,
  statuses: GoogleStatuses,
  error: FastifyError | GoogleError | Problem | Error,
): [code: number, status: string, message: string] {
  if (error instanceof GoogleError) return [error.code, error.status, error.message];
  if (error instanceof Problem) {
    const message = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
    return [...statuses[error.code], message];
  }
  const said = 'statusCode' in error ? error.statusCode : undefined;
  if (said !== undefined && said >= 400 && said < 500) return [said, 'INVALID_ARGUMENT', messageOf(error)];
  log.error({ err: error }, `the ${door} door failed`);
  return [500, 'INTERNAL', 'Internal error encountered.'];
}
