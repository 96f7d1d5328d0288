import type { FastifyInstance } from 'fastify';
import type { Role } from '../../auth/identity.ts';
import { approveBuild } from '../../builds/queue/approve-build.ts';
import { cancelBuild } from '../../builds/queue/cancel-build.ts';
import { readJsonRequest } from '../../builds/request/read-request.ts';
import { retryBuild } from '../../builds/retry.ts';
import { submitBuild } from '../../builds/submit.ts';
import { unknownMethod } from '../http/google-errors.ts';
import { readApproval } from './approval.ts';
import { authorised, type CloudBuildDeps, recordOf, SCOPES, type Scope } from './call.ts';
import { pageQuery } from './page-query.ts';
import { operationOf, type WireBuildList } from './wire.ts';

/** projects.builds. */
export function buildRoutes(door: FastifyInstance, deps: CloudBuildDeps): void {
  for (const base of SCOPES) below(door, base, deps);
}

function below(door: FastifyInstance, base: string, deps: CloudBuildDeps): void {
  type InScope = { Params: Scope };
  type OfBuild = { Params: Scope & { build: string } };

  door.post<InScope>(`${base}/builds`, async (request) => {
    const { project, actor } = await authorised(request, 'writer', deps);
    const location = request.params.location ?? 'global';
    return operationOf(
      await submitBuild({ request: readJsonRequest(request.body), project, location, actor }, deps.submit),
    );
  });

  door.get<InScope & { Querystring: Record<string, string> }>(
    `${base}/builds`,
    async (request): Promise<WireBuildList> => {
      const { project } = await authorised(request, 'reader', deps);
      const page = await deps.records.list(pageQuery(request, project));
      return {
        ...(page.builds.length === 0 ? {} : { builds: page.builds }),
        ...(page.next === undefined ? {} : { nextPageToken: page.next }),
      };
    },
  );

  door.get<OfBuild>(`${base}/builds/:build`, async (request) => {
    const { project } = await authorised(request, 'reader', deps);
    return (await recordOf(request.params.build, project, deps)).build;
  });

  // `ID:cancel` is one path segment with the verb behind the colon
  door.post<OfBuild>(`${base}/builds/:build`, async (request) => {
    const [id = '', verb = ''] = request.params.build.split(':');
    if (!isVerb(verb)) throw unknownMethod();
    const { project, actor } = await authorised(request, ROLES[verb], deps);
    const record = await recordOf(id, project, deps);
    if (verb === 'cancel') return cancelBuild(id, deps.cancel);
    if (verb === 'retry') return operationOf(await retryBuild(record, actor, deps.submit));
    const decision = readApproval(request.body);
    const { submit, records, cancel } = deps;
    return operationOf(
      await approveBuild(id, decision, actor, { submit, records, logs: cancel.logs, clock: cancel.clock }),
    );
  });
}

/**
 * What is done to a build, and who may. Approval is more than the right to build: a build's own token could let other builds
 * go otherwise.
 */
const ROLES = { cancel: 'writer', retry: 'writer', approve: 'admin' } as const satisfies Record<string, Role>;

function isVerb(verb: string): verb is keyof typeof ROLES {
  return Object.hasOwn(ROLES, verb);
}
