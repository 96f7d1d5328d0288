import type { ServerResponse } from 'node:http';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import { sendJson } from '../http/answer.ts';
import { BodyTooLong, drain } from '../http/body.ts';

/** An answer of dockerd's that no ProblemCode stands for: its status and its text. */
export class DockerError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.status = status;
  }
}

const OF_PROBLEM: Record<ProblemCode, number> = {
  invalid: 400,
  'not-found': 404,
  unauthenticated: 401,
  denied: 403,
  conflict: 409,
  exhausted: 500,
  unavailable: 503,
  cancelled: 500,
  timeout: 504,
  failed: 500,
  unsupported: 501,
};

/** What went wrong, in the words that the client shows. */
export interface DockerFailure {
  status: number;
  message: string;
  /** With which `docker build` shall end, where a command of the build has ended badly. */
  exitCode?: number | undefined;
}

/** Nothing but Problems and DockerErrors say what they are; the rest is a bug of ours, and goes to the log. */
export function failureOf(error: unknown): DockerFailure {
  if (error instanceof DockerError) return { status: error.status, message: error.message };
  if (error instanceof BodyTooLong) return { status: 413, message: error.message };
  if (error instanceof Problem) {
    const { code, message, hint, exitCode } = error;
    return { status: OF_PROBLEM[code], message: hint === undefined ? message : `${message}\n${hint}`, exitCode };
  }
  log.error({ err: error }, `docker: ${messageOf(error)}`);
  return { status: 500, message: `Slipway failed: ${messageOf(error)}` };
}

/** The object that ends a stream of JSON lines which can't go on. */
export function errorLine(error: unknown): object {
  const { message, exitCode } = failureOf(error);
  const code = exitCode === undefined || exitCode === 0 ? {} : { code: exitCode };
  return { errorDetail: { ...code, message }, error: message };
}

/** What ends an answer whose head has left, in its own form: set by streams that have one. */
const endings = new WeakMap<ServerResponse, (error: unknown) => void>();

/** From now on a failure of this answer is told by `end`, which also ends it. */
export function endsWith(response: ServerResponse, end: (error: unknown) => void): void {
  endings.set(response, end);
}

/** The only place where an error becomes a status line of this protocol. */
export function renderError(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    const end = endings.get(response);
    if (end !== undefined) {
      end(error);
      return;
    }
    log.debug({ error: messageOf(error) }, 'docker: an answer broke');
    // part of a body has left: cutting the connection is the only honest sign that it is not whole
    response.destroy();
    return;
  }
  if (response.req.destroyed && !response.req.complete) return; // the client is gone; what broke is its own connection
  const { status, message } = failureOf(error);
  sendJson(response, status, { message });
  drain(response.req);
}
