import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessToken, AccessTokenIssuer } from '../../auth/tokens.ts';
import { timestamp } from '../../lib/clock.ts';
import { sendJson, urlOf } from '../http/answer.ts';
import { readForm } from '../http/body.ts';
import { credentialsOf } from '../http/credentials.ts';
import type { RegistryDoorParts } from './call.ts';
import { RegistryError } from './errors.ts';

/**
 * The token service that challenges point at (distribution, "Docker Registry v2 authentication"). GET with Basic is what
 * docker, podman and skopeo send; POST is the OAuth 2 form of containerd and of docker's identity tokens.
 *
 * Nobody who shows nothing is refused: they get a token that grants nothing, so that a client learns from the request
 * itself what it may not do. A refresh token is answered only to those who ask for one (`offline_token`, `access_type`):
 * docker login then keeps it in place of the password.
 */
export async function serveToken(
  request: IncomingMessage,
  response: ServerResponse,
  parts: RegistryDoorParts,
): Promise<void> {
  const { query } = urlOf(request);
  const asked = request.method === 'POST' ? await formRequest(request) : queryRequest(request, query);
  const issued = await issue(parts.tokens, asked);
  if (issued === undefined)
    throw new RegistryError(401, 'UNAUTHORIZED', 'the token is unknown, was revoked or has expired');
  const refresh =
    asked.offline && asked.secret !== undefined ? await parts.tokens.refreshTokenFor(asked.secret) : asked.refreshToken;
  sendJson(
    response,
    200,
    {
      token: issued.token,
      access_token: issued.token,
      expires_in: issued.expiresIn,
      issued_at: timestamp(Date.now()),
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
      ...(asked.scope === '' ? {} : { scope: asked.scope }),
    },
    { 'Cache-Control': 'no-store' },
  );
}

/** What a client shows, and what it wants for it. */
interface TokenRequest {
  secret?: string | undefined;
  refreshToken?: string | undefined;
  /** It wants a refresh token. */
  offline: boolean;
  scope: string;
}

function issue(tokens: AccessTokenIssuer, { secret, refreshToken }: TokenRequest): Promise<AccessToken | undefined> {
  if (refreshToken !== undefined) return tokens.accessTokenForRefresh(refreshToken);
  return secret === undefined ? tokens.anonymousAccessToken() : tokens.accessTokenFor(secret);
}

function queryRequest(request: IncomingMessage, query: URLSearchParams): TokenRequest {
  return {
    secret: credentialsOf(request)?.secret,
    offline: query.get('offline_token') === 'true',
    scope: query.getAll('scope').join(' '),
  };
}

async function formRequest(request: IncomingMessage): Promise<TokenRequest> {
  const form = await readForm(request);
  const grant = form.get('grant_type');
  const common = { offline: form.get('access_type') === 'offline', scope: form.getAll('scope').join(' ') };
  if (grant === 'password') return { ...common, secret: form.get('password') ?? '' };
  if (grant === 'refresh_token') return { ...common, refreshToken: form.get('refresh_token') ?? '' };
  throw new RegistryError(400, 'UNSUPPORTED', `unknown grant_type ${JSON.stringify(grant ?? '')}`);
}
