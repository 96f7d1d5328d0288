import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../../lib/problem.ts';
import { requireRole } from '../http/google-access.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import type { CloudBuildDeps, Scope } from './call.ts';
import { buildIdOf, operationOf } from './wire.ts';
import { isPoolOperation, poolOperation } from './worker-pools.ts';

/** Long-running operations: those of builds, by their own name or by the build's id, which some clients poll. */
export function operationRoutes(door: FastifyInstance, deps: CloudBuildDeps): void {
  const operation = async (request: FastifyRequest, name: string) => {
    const record = await deps.records.get(buildIdOf(name));
    // who may not know of a build gets the answer of one that isn't there
    await requireRole(request.raw, 'reader', record?.build.projectId ?? '', deps);
    if (record === undefined) throw new Problem('not-found', NOT_FOUND);
    return operationOf(record.build);
  };
  door.get<{ Params: { '*': string } }>('/v1/operations/*', (request) =>
    operation(request, request.params['*'].split('/').at(-1) ?? ''),
  );
  door.get<{ Params: Scope & { operation: string } }>(
    '/v1/projects/:project/locations/:location/operations/:operation',
    async (request) =>
      isPoolOperation(request.params.operation)
        ? poolOperation(request, deps)
        : operation(request, request.params.operation),
  );
}
