import type { IncomingMessage } from 'node:http';
import { may, type Role } from '../../auth/identity.ts';
import type { OwnName } from '../../stores/registry/name.ts';
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
 * Reader to pull, writer to push, admin to delete; anybody may pull from a public repository. Rights are those of the
 * identity at this moment; scopes of registry tokens are for information only.
 * @throws RegistryError 401 when nobody has said who asks, 403 when they are known and may not
 */
export async function require(call: RegistryCall, target: Target, role: Role): Promise<void> {
  const { project, repository, image } = target.name;
  if (role === 'reader' ? await mayRead(call, target.name) : may(call.identity, role, project, repository, image))
    return;
  if (call.identity.kind === 'anonymous')
    throw unauthorized(call.request, 'log in first', `repository:${target.path}:${ACTIONS[role]}`);
  throw new RegistryError(
    403,
    'DENIED',
    `${call.identity.name} is no ${role} of ${project}/${repository}/${image}; ` +
      'ask its owner for a token with that role (slipway token create)',
  );
}

/** Whether the caller may pull an image: by its own rights, or because the repository is open to everybody. */
export async function mayRead(call: Pick<RegistryCall, 'identity' | 'isPublic'>, name: OwnName): Promise<boolean> {
  return may(call.identity, 'reader', name.project, name.repository, name.image) || (await call.isPublic(name));
}
