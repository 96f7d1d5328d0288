import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessToken } from '../../auth/tokens.ts';
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
 * itself what it may not do. No refresh token is ever answered: docker would store it in place of the person's own.
 */
export async function serveToken(
  request: IncomingMessage,
  response: ServerResponse,
  parts: RegistryDoorParts,
): Promise<void> {
  const secret = request.method === 'POST' ? await formSecret(request) : credentialsOf(request)?.secret;
  const issued =
    secret === undefined ? await parts.tokens.anonymousAccessToken() : await parts.tokens.accessTokenFor(secret);
  if (issued === undefined)
    throw new RegistryError(401, 'UNAUTHORIZED', 'the token is unknown, was revoked or has expired');
  const scope = urlOf(request).query.getAll('scope').join(' ');
  sendJson(response, 200, answerOf(issued, scope), { 'Cache-Control': 'no-store' });
}

async function formSecret(request: IncomingMessage): Promise<string | undefined> {
  const form = await readForm(request);
  const grant = form.get('grant_type');
  if (grant === 'password') return form.get('password') ?? undefined;
  if (grant === 'refresh_token') return form.get('refresh_token') ?? undefined;
  throw new RegistryError(400, 'UNSUPPORTED', `unknown grant_type ${JSON.stringify(grant ?? '')}`);
}

function answerOf(issued: AccessToken, scope: string) {
  return {
    token: issued.token,
    access_token: issued.token,
    expires_in: issued.expiresIn,
    issued_at: timestamp(Date.now()),
    ...(scope === '' ? {} : { scope }),
  };
}
