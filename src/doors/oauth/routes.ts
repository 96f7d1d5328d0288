import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AssertionExchange } from '../../auth/service-account.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { sendJson, urlOf } from '../http/answer.ts';
import { drain, readForm } from '../http/body.ts';
import type { NodeHandler } from '../http/door.ts';

/** RFC 7523, section 2.1. */
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Ours first; then those of oauth2.googleapis.com and accounts.google.com, which reach us through the proxy. */
export const TOKEN_PATHS: readonly string[] = ['/oauth2/token', '/token', '/oauth2/v4/token', '/o/oauth2/token'];

/** An error of RFC 6749, section 5.2. */
class OAuthError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

/** The token endpoint for service accounts: a signed assertion comes in, an access token goes out. */
export function oauthDoor(accounts: AssertionExchange): NodeHandler {
  return (request, response) => {
    serve(request, response, accounts).catch((error: unknown) => renderError(response, error));
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, accounts: AssertionExchange): Promise<void> {
  const { path } = urlOf(request);
  if (!TOKEN_PATHS.includes(path)) throw new OAuthError(404, 'invalid_request', `no such path: ${path.slice(0, 300)}`);
  if (request.method !== 'POST') throw new OAuthError(405, 'invalid_request', 'tokens are asked for with POST');
  const form = await readForm(request);
  const grant = form.get('grant_type');
  if (grant !== JWT_BEARER)
    throw new OAuthError(400, 'unsupported_grant_type', `only ${JWT_BEARER} is served, not ${JSON.stringify(grant)}`);
  const assertion = form.get('assertion');
  if (assertion === null) throw new OAuthError(400, 'invalid_request', 'the form has no assertion');
  const { token, expiresIn } = await accounts.exchange(assertion);
  sendJson(
    response,
    200,
    { access_token: token, expires_in: expiresIn, token_type: 'Bearer' },
    { 'Cache-Control': 'no-store' },
  );
}

/** The only place where an error becomes a status line of this protocol. */
function renderError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return;
  const { status, code, message } = answerOf(error);
  sendJson(response, status, { error: code, error_description: message });
  drain(response.req);
}

function answerOf(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  // Google answers 400 invalid_grant to an assertion that is not accepted; its clients say so and do not try again
  if (error instanceof Problem && error.code === 'unauthenticated')
    return new OAuthError(400, 'invalid_grant', error.message);
  if (error instanceof Problem) return new OAuthError(400, 'invalid_request', error.message);
  log.error({ err: error }, `oauth: ${messageOf(error)}`);
  return new OAuthError(500, 'server_error', 'the server failed; its log says why');
}
