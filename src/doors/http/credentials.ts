import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Identity, OWNER } from '../../auth/identity.ts';
import type { DoorContext } from './door.ts';

/** A request of HTTP/1.1, or what of a call of gRPC is like it. */
export type WithHeaders = Pick<IncomingMessage, 'headers'>;

export interface Credentials {
  /** Only with Basic. */
  user?: string;
  secret: string;
}

/** What the Authorization header says; undefined when there is none or it can't be read. */
export function credentialsOf(request: WithHeaders): Credentials | undefined {
  const [scheme, value] = (request.headers.authorization ?? '').split(/\s+/, 2);
  if (scheme === undefined || value === undefined || value === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return { secret: value };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), secret: text.slice(colon + 1) };
}

/**
 * Who asks. Basic users (`oauth2accesstoken`, `_json_key`, `_dcgcloud_token`, any name) carry the token as password.
 * Wrong credentials are `undefined`, which a door answers with 401; none at all are the anonymous identity.
 */
export async function identify(request: WithHeaders, context: DoorContext): Promise<Identity | undefined> {
  if (!context.requireToken) return OWNER;
  const credentials = credentialsOf(request);
  if (credentials === undefined) return ANONYMOUS;
  return context.authenticator.verify(credentials.secret);
}
