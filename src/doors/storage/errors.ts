import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { sendJson } from '../http/answer.ts';
import { BodyTooLong, drain } from '../http/body.ts';

/** An answer other than success, complete: `renderError` only writes it down. */
export class StorageError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: OutgoingHttpHeaders;

  /** @param reason one of Cloud Storage's ("HTTP status and error codes for JSON") */
  constructor(status: number, reason: string, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export function noSuchObject(bucket: string, name: string): StorageError {
  return new StorageError(404, 'notFound', `No such object: ${bucket}/${name}`);
}

export function noSuchBucket(bucket: string): StorageError {
  return new StorageError(404, 'notFound', `The specified bucket does not exist: ${bucket}`);
}

/** A write that met another object than its precondition asks for is 412; every other conflict is 409. */
export async function asPrecondition<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
    throw new StorageError(412, 'conditionNotMet', sentence(error));
  }
}

/**
 * No 5xx where trying again can't help: gcloud repeats those for half a minute, gsutil for many, before it shows the
 * message.
 */
const OF_PROBLEM: Record<ProblemCode, [status: number, reason: string]> = {
  invalid: [400, 'invalid'],
  'not-found': [404, 'notFound'],
  unauthenticated: [401, 'authError'],
  denied: [403, 'forbidden'],
  conflict: [409, 'conflict'],
  exhausted: [413, 'quotaExceeded'],
  unavailable: [503, 'backendError'],
  cancelled: [499, 'cancelled'],
  timeout: [504, 'backendError'],
  failed: [400, 'invalid'],
  unsupported: [400, 'notImplemented'],
};

/** The one place where this door's errors are written: Google's JSON form, numeric code and reason included. */
export function renderError(response: ServerResponse, error: unknown): void {
  const answer = answerFor(error);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, reason, message, headers } = answer;
  sendJson(
    response,
    status,
    { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } },
    { 'Content-Type': 'application/json; charset=UTF-8', ...headers },
  );
  drain(response.req);
}

function answerFor(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof BodyTooLong) return new StorageError(413, 'uploadTooLarge', error.message);
  if (error instanceof Problem) {
    const [status, reason] = OF_PROBLEM[error.code];
    return new StorageError(status, reason, sentence(error));
  }
  if (isDisconnect(error)) return new StorageError(499, 'cancelled', 'the client went away');
  log.error({ err: error }, `storage door: ${messageOf(error)}`);
  return new StorageError(500, 'backendError', 'Slipway failed at this; its log says why.');
}

/** Clients print the message alone, so what to do next belongs in it. */
function sentence(problem: Problem): string {
  return problem.hint === undefined ? problem.message : `${problem.message}. ${problem.hint}`;
}

/** Node's error for a request whose connection ended in its middle. */
function isDisconnect(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}
