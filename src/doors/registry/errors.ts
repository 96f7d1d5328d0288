import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Digest } from '../../images/digest.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { TagMoved } from '../../stores/registry/tag-condition.ts';
import { sendJson } from '../http/answer.ts';
import { BodyTooLong, drain } from '../http/body.ts';

/** The codes of distribution-spec ("Error Codes"), and distribution's two for what the spec has none for. */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'PAGINATION_NUMBER_INVALID'
  | 'UNKNOWN';

/** An answer other than success, complete: `renderError` only writes it down. */
export class RegistryError extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly detail: unknown;
  readonly headers: OutgoingHttpHeaders;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    more: { detail?: unknown; headers?: OutgoingHttpHeaders; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.status = status;
    this.code = code;
    this.detail = more.detail;
    this.headers = more.headers ?? {};
  }
}

export function blobUnknown(digest: Digest): RegistryError {
  return new RegistryError(404, 'BLOB_UNKNOWN', 'blob is not in this repository', { detail: { digest } });
}

export function manifestUnknown(repository: string, reference: string): RegistryError {
  return new RegistryError(404, 'MANIFEST_UNKNOWN', `${repository} has no manifest ${JSON.stringify(reference)}`, {
    detail: { name: repository, reference },
  });
}

export function nameUnknown(repository: string): RegistryError {
  return new RegistryError(404, 'NAME_UNKNOWN', `nothing was pushed to ${repository} yet`, {
    detail: { name: repository },
  });
}

/** Gives a Problem `invalid` of a lower room the code that fits what the client sent; everything else passes. */
export function asInvalid(code: RegistryErrorCode): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Problem) || error.code !== 'invalid' || error instanceof BodyTooLong) throw error;
    throw new RegistryError(400, code, error.message, { cause: error });
  };
}

const OF_PROBLEM: Record<ProblemCode, [status: number, code: RegistryErrorCode]> = {
  invalid: [400, 'UNSUPPORTED'],
  'not-found': [404, 'NAME_UNKNOWN'],
  unauthenticated: [401, 'UNAUTHORIZED'],
  denied: [403, 'DENIED'],
  conflict: [409, 'DENIED'],
  exhausted: [507, 'UNKNOWN'],
  unavailable: [503, 'UNKNOWN'],
  cancelled: [400, 'UNKNOWN'],
  timeout: [504, 'UNKNOWN'],
  failed: [500, 'UNKNOWN'],
  unsupported: [405, 'UNSUPPORTED'],
};

/** The only place where an error becomes a status line of this protocol. HEAD answers carry no text, by HTTP's rules. */
export function renderError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    // part of a body has left: cutting the connection is the only honest sign that it is not whole
    if (!response.writableEnded) response.destroy();
    return;
  }
  if (response.req.destroyed && !response.req.complete) return; // the client is gone; what broke is its own connection
  const { status, code, message, detail, headers } = answerOf(error);
  const body = { errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] };
  sendJson(response, status, body, headers);
  drain(response.req);
}

function answerOf(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  if (error instanceof TagMoved) return new RegistryError(412, 'DENIED', error.message);
  if (error instanceof BodyTooLong) return new RegistryError(413, 'SIZE_INVALID', error.message);
  if (error instanceof Problem) {
    const [status, code] = OF_PROBLEM[error.code];
    return new RegistryError(
      status,
      code,
      error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
    );
  }
  log.error({ err: error }, `registry: ${messageOf(error)}`);
  return new RegistryError(500, 'UNKNOWN', 'the server failed; its log says why');
}
