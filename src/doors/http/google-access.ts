import { type Identity, may, type Role } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import { identify, type WithHeaders } from './credentials.ts';
import type { DoorContext } from './door.ts';

/** Who asks, whoever it is. @throws Problem `unauthenticated` without (good) credentials */
export async function requireIdentity(request: WithHeaders, context: DoorContext): Promise<Identity> {
  const identity = await identify(request, context);
  if (identity === undefined)
    throw new Problem(
      'unauthenticated',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      { hint: 'The token is unknown, revoked or expired: slipway token create, or eval "$(slipway env)".' },
    );
  if (identity.kind !== 'anonymous') return identity;
  throw new Problem('unauthenticated', 'Request is missing required authentication credential.', {
    hint: 'eval "$(slipway env)" lets gcloud send one.',
  });
}

/**
 * Who asks, if they may.
 * @throws Problem `unauthenticated` without (good) credentials, `denied` for a known identity without the right
 */
export async function requireRole(
  request: WithHeaders,
  role: Role,
  project: string,
  context: DoorContext,
  /** What of the project: absent for the whole. */
  part: { repository?: string; image?: string } = {},
): Promise<Identity> {
  const identity = await requireIdentity(request, context);
  if (may(identity, role, project, part.repository, part.image)) return identity;
  throw permissionDenied(role, [project, part.repository, part.image]);
}

/** For a known identity without the right; the same whether or not there is such a thing. */
export function permissionDenied(role: Role, path: readonly (string | undefined)[]): Problem {
  return new Problem('denied', 'The caller does not have permission', {
    hint: `This needs the role ${role} in project ${path.filter(Boolean).join('/')}.`,
  });
}
