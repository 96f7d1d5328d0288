import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Role } from '../../auth/identity.ts';
import type { Build } from '../../builds/build.ts';
import { cancelBuild } from '../../builds/queue/cancel-build.ts';
import { Problem } from '../../lib/problem.ts';
import { requireRole } from '../http/google-access.ts';
import { NOT_FOUND, unknownMethod } from '../http/google-errors.ts';
import { authorised, type CloudBuildDeps, SCOPES, type Scope } from './call.ts';
import { pageQuery } from './page-query.ts';
import { buildIdOf, operationOf, type WireOperationList } from './wire.ts';
import { isPoolOperation, poolOperation } from './worker-pools.ts';

/** Long-running operations: those of builds, by their own name or by the build's id, which some clients poll. */
export function operationRoutes(door: FastifyInstance, deps: CloudBuildDeps): void {
  type InScope = { Params: Scope; Querystring: Record<string, string> };
  type Named = { Params: Scope & { operation: string } };

  /** @param name the last part of the operation's */
  const buildOf = async (request: FastifyRequest, role: Role, name: string): Promise<Build> => {
    const record = await deps.records.get(buildIdOf(name));
    // who may not know of a build gets the answer of one that isn't there
    await requireRole(request.raw, role, record?.build.projectId ?? '', deps);
    if (record === undefined) throw new Problem('not-found', NOT_FOUND);
    return record.build;
  };
  const cancel = async (request: FastifyRequest, path: string): Promise<Record<string, never>> => {
    const [name = '', verb] = (path.split('/').at(-1) ?? '').split(':');
    if (verb !== 'cancel') throw unknownMethod();
    await cancelBuild((await buildOf(request, 'writer', name)).id, deps.cancel);
    return {};
  };

  door.get<{ Params: { '*': string } }>('/v1/operations/*', async (request) =>
    operationOf(await buildOf(request, 'reader', request.params['*'].split('/').at(-1) ?? '')),
  );
  door.post<{ Params: { '*': string } }>('/v1/operations/*', (request) => cancel(request, request.params['*']));
  for (const base of SCOPES) {
    door.get<InScope>(`${base}/operations`, async (request): Promise<WireOperationList> => {
      const { project } = await authorised(request, 'reader', deps);
      const page = await deps.records.list(pageQuery(request, project));
      return {
        ...(page.builds.length === 0 ? {} : { operations: page.builds.map(operationOf) }),
        ...(page.next === undefined ? {} : { nextPageToken: page.next }),
      };
    });
    door.get<Named>(`${base}/operations/:operation`, async (request) =>
      isPoolOperation(request.params.operation)
        ? poolOperation(request, deps)
        : operationOf(await buildOf(request, 'reader', request.params.operation)),
    );
    door.post<Named>(`${base}/operations/:operation`, (request) => cancel(request, request.params.operation));
  }
}
