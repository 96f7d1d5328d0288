import type { FastifyRequest } from 'fastify';
import type { Role } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import type { SecretStore } from '../../stores/secrets/secrets.ts';
import type { DoorContext } from '../http/door.ts';
import { requireRole } from '../http/google-access.ts';

export interface SecretManagerDeps extends DoorContext {
  secrets: SecretStore;
  /** The project's id, also when the client names its number. */
  projectId(text: string): Promise<string>;
}

/** The project's id and who asks. @throws Problem `unauthenticated`, `denied` */
export async function authorised(
  request: FastifyRequest<{ Params: { project: string } }>,
  role: Role,
  deps: SecretManagerDeps,
): Promise<{ project: string; actor: string }> {
  const project = await deps.projectId(request.params.project);
  const identity = await requireRole(request.raw, role, project, deps);
  return { project, actor: identity.name };
}

/**
 * As `authorised` for a writer, who changes what lasts: a build ends, and what it put in a secret's place, or destroyed, would
 * not. Who may have a merge request built gets no further.
 * @throws Problem `unauthenticated`, `denied`
 */
export async function authorisedToChange(
  request: FastifyRequest<{ Params: { project: string } }>,
  deps: SecretManagerDeps,
): Promise<{ project: string; actor: string }> {
  const project = await deps.projectId(request.params.project);
  const identity = await requireRole(request.raw, 'writer', project, deps);
  if (identity.kind !== 'build') return { project, actor: identity.name };
  throw new Problem('denied', 'The caller does not have permission', {
    hint: 'The token of a build changes no secrets.',
  });
}
