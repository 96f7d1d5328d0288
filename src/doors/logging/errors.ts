import { Problem, type ProblemCode } from '../../lib/problem.ts';
import { type GrpcCode, GrpcError } from '../grpc/grpc-error.ts';
import { googleErrors } from '../http/google-errors.ts';

/** The only place where this door makes an error in JSON. */
export const sendError = googleErrors('logging');

const CODES: Record<ProblemCode, GrpcCode> = {
  invalid: 'invalid-argument',
  'not-found': 'not-found',
  unauthenticated: 'unauthenticated',
  denied: 'permission-denied',
  conflict: 'failed-precondition',
  exhausted: 'resource-exhausted',
  unavailable: 'unavailable',
  cancelled: 'cancelled',
  timeout: 'deadline-exceeded',
  failed: 'failed-precondition',
  unsupported: 'unimplemented',
};

/** The only place where it makes one in gRPC. */
export function grpcErrorOf(error: unknown): GrpcError | undefined {
  if (!(error instanceof Problem)) return undefined;
  const text = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return new GrpcError(CODES[error.code], text);
}
