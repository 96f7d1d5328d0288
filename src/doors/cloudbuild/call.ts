import type { FastifyRequest } from 'fastify';
import type { Role } from '../../auth/identity.ts';
import type { ConnectionService } from '../../builds/gitlab/connection-service.ts';
import type { WorkerPools } from '../../builds/pools/worker-pools.ts';
import type { CancelDeps } from '../../builds/queue/cancel-build.ts';
import type { BuildRecord, BuildRecords } from '../../builds/records.ts';
import type { SubmitDeps } from '../../builds/submit.ts';
import type { WebhookReceiver } from '../../builds/triggers/receive.ts';
import type { TriggerService } from '../../builds/triggers/trigger-service.ts';
import { Problem } from '../../lib/problem.ts';
import type { DoorContext } from '../http/door.ts';
import { requireRole } from '../http/google-access.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { projectId } from './access.ts';

export interface CloudBuildDeps extends DoorContext {
  records: BuildRecords;
  submit: SubmitDeps;
  cancel: CancelDeps;
  pools: WorkerPools;
  /** Absent: a server without triggers. */
  triggering?: Triggering | undefined;
}

export interface Triggering {
  triggers: TriggerService;
  connections: ConnectionService;
  webhooks: WebhookReceiver;
}

/** Path parameters of a resource that lives in a project; without a location in the older spelling. */
export interface Scope {
  project: string;
  location?: string;
}

/** What every path of the API begins with: by location, and in the older spelling without one. */
export const SCOPES = ['/v1/projects/:project/locations/:location', '/v1/projects/:project'] as const;

/** The project's id and who asks. @throws Problem `unauthenticated`, `denied` */
export async function authorised(
  request: FastifyRequest<{ Params: Scope }>,
  role: Role,
  deps: CloudBuildDeps,
): Promise<{ project: string; actor: string }> {
  const project = await projectId(request.params.project, deps.records, deps.pools);
  const identity = await requireRole(request.raw, role, project, deps);
  return { project, actor: identity.name };
}

/**
 * As `authorised`, for what lasts: a build ends, and leaves nothing behind that starts others. Whoever may open a merge request may
 * have one built, and gets no more than that.
 * @throws Problem `unauthenticated`, `denied`
 */
export async function authorisedToKeep(
  request: FastifyRequest<{ Params: Scope }>,
  deps: CloudBuildDeps,
): Promise<{ project: string; actor: string }> {
  const project = await projectId(request.params.project, deps.records, deps.pools);
  const identity = await requireRole(request.raw, 'writer', project, deps);
  if (identity.kind !== 'build') return { project, actor: identity.name };
  throw new Problem('denied', 'The caller does not have permission', {
    hint: 'The token of a build changes no triggers and no connections.',
  });
}

/** Ids are unique, so a build is found whatever location the client names; its project must be the one in the path. */
export async function recordOf(id: string, project: string, deps: CloudBuildDeps): Promise<BuildRecord> {
  const record = await deps.records.get(id);
  if (record === undefined || record.build.projectId !== project) throw new Problem('not-found', NOT_FOUND);
  return record;
}
