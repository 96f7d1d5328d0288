import type { IncomingMessage } from 'node:http';
import { may, type Role } from '../../auth/identity.ts';
import { originOf } from '../http/door.ts';
import type { RegistryCall, Target } from './call.ts';
import { RegistryError } from './errors.ts';

/** What the scope grammar calls the actions of a role (distribution, "Token Scope"). */
const ACTIONS: Record<Role, string> = { reader: 'pull', writer: 'pull,push', admin: 'delete' };

/**
 * 401 with the way to our token service, on the address by which the client reached us. It is the same on every path,
 * apart from the scope: containers/image keeps the one it got from `/v2/`.
 */
export function unauthorized(request: IncomingMessage, message: string, scope?: string): RegistryError {
  const parts = [`realm="${originOf(request)}/v2/token"`, `service="${request.headers.host ?? 'localhost'}"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  return new RegistryError(401, 'UNAUTHORIZED', message, {
    headers: { 'WWW-Authenticate': `Bearer ${parts.join(',')}` },
  });
}

/**
 * Reader to pull, writer to push, admin to delete. Rights are those of the identity at this moment; scopes of registry
 * tokens are for information only.
 * @throws RegistryError 401 when nobody has said who asks, 403 when they are known and may not
 */
export function require(call: RegistryCall, target: Target, role: Role): void {
  if (may(call.identity, role, target.name.project, target.name.repository)) return;
  if (call.identity.kind === 'anonymous')
    throw unauthorized(call.request, 'log in first', `repository:${target.path}:${ACTIONS[role]}`);
  throw new RegistryError(
    403,
    'DENIED',
    `${call.identity.name} is no ${role} of ${target.name.project}/${target.name.repository}; ` +
      'ask its owner for a token with that role (slipway token create)',
  );
}
