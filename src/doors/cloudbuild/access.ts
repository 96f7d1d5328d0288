import type { IncomingMessage } from 'node:http';
import { type Identity, may, type Role } from '../../auth/identity.ts';
import { projectNumber } from '../../builds/project-number.ts';
import type { BuildRecords } from '../../builds/records.ts';
import { Problem } from '../../lib/problem.ts';
import { identify } from '../http/credentials.ts';
import type { DoorContext } from '../http/door.ts';

/**
 * Who asks, if they may.
 * @throws Problem `unauthenticated` without (good) credentials, `denied` for a known identity without the right
 */
export async function requireRole(
  request: IncomingMessage,
  role: Role,
  project: string,
  context: DoorContext,
): Promise<Identity> {
  const identity = await identify(request, context);
  if (identity === undefined)
    throw new Problem(
      'unauthenticated',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      { hint: 'The token is unknown, revoked or expired: slipway token create, or eval "$(slipway env)".' },
    );
  if (may(identity, role, project)) return identity;
  if (identity.kind === 'anonymous')
    throw new Problem('unauthenticated', 'Request is missing required authentication credential.', {
      hint: 'eval "$(slipway env)" lets gcloud send one.',
    });
  throw new Problem('denied', 'The caller does not have permission', {
    hint: `This needs the role ${role} in project ${project}.`,
  });
}

/** The project's id, also when the client names its number; a number that nobody has stays what it is. */
export async function projectId(text: string, records: Pick<BuildRecords, 'projects'>): Promise<string> {
  if (!/^\d{12}$/.test(text)) return text;
  return (await records.projects()).find((project) => projectNumber(project) === text) ?? text;
}
