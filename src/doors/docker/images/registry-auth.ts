import type { Caller } from '../../../engine/engine.ts';
import { Problem } from '../../../lib/problem.ts';
import { canonicalHost, credentialsOf, type Login } from '../build/registry-config.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';

/**
 * The caller with the login of the header `X-Registry-Auth`, which counts in this call and for this registry alone, and is
 * written down nowhere. A registry that is served here needs none. One that can't be read is none, as with dockerd.
 */
export function asLoggedIn({ request, house, caller }: DockerCall, host: string): Caller {
  if (house.isOwnRegistry(host)) return caller;
  const header = request.headers['x-registry-auth'];
  const credentials = credentialsOf(parsed(Array.isArray(header) ? header[0] : header));
  if (credentials === undefined) return caller;
  const wanted = canonicalHost(host);
  return { ...caller, credentials: async (asked) => (canonicalHost(asked) === wanted ? credentials : undefined) };
}

function parsed(header: string | undefined): Login {
  try {
    // base64url, and plain base64 from clients of old
    return Object(JSON.parse(Buffer.from(header ?? '', 'base64url').toString('utf8'))) as Login;
  } catch {
    return {};
  }
}

/**
 * A registry's refusal as dockerd passes it on: 500, and 404 for what may only be hidden. At a 401 docker's clients believe that
 * the daemon itself wants a login, and wait for a person to type one.
 */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  if (error.code === 'unauthenticated') return new DockerError(500, error.message, { cause: error });
  return error.code === 'denied' ? new DockerError(404, error.message, { cause: error }) : error;
}
