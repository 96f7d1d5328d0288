import type { FastifyRequest } from 'fastify';
import type { Role } from '../../auth/identity.ts';
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
