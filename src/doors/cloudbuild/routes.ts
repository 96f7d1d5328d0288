import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Role } from '../../auth/identity.ts';
import { locationOf } from '../../builds/build.ts';
import { parseFilter } from '../../builds/filter.ts';
import { projectNumber } from '../../builds/project-number.ts';
import { type CancelDeps, cancelBuild } from '../../builds/queue/cancel-build.ts';
import type { BuildRecord, BuildRecords } from '../../builds/records.ts';
import { readJsonRequest } from '../../builds/request/read-request.ts';
import { type SubmitDeps, submitBuild } from '../../builds/submit.ts';
import { Problem } from '../../lib/problem.ts';
import type { DoorContext } from '../http/door.ts';
import { requireRole } from '../http/google-access.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { projectId } from './access.ts';
import { buildIdOf, operationOf, type WireBuildList, type WireServiceAccount } from './wire.ts';

export interface CloudBuildDeps extends DoorContext {
  records: BuildRecords;
  submit: SubmitDeps;
  cancel: CancelDeps;
}

interface Scope {
  project: string;
  location?: string;
}

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;

/** Cloud Build's API: projects.builds and its operations, by location and in the older spelling without one. */
export function cloudbuildDoor(deps: CloudBuildDeps): FastifyPluginAsync {
  return async (door) => {
    for (const base of ['/v1/projects/:project/locations/:location', '/v1/projects/:project']) {
      builds(door, base, deps);
      serviceAccount(door, base, deps);
    }
    operations(door, deps);
  };
}

function builds(door: FastifyInstance, base: string, deps: CloudBuildDeps): void {
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
      const { pageSize, pageToken, filter } = request.query;
      const location = request.params.location ?? 'global';
      const page = await deps.records.list({
        project,
        location: location === '-' ? undefined : location,
        filter: parseFilter(filter ?? ''),
        limit: pageLimit(pageSize),
        after: pageToken === '' ? undefined : pageToken,
      });
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
    const { project, actor } = await authorised(request, 'writer', deps);
    const [id = '', verb] = request.params.build.split(':');
    const record = await recordOf(id, project, deps);
    if (verb === 'cancel') return cancelBuild(id, deps.cancel);
    if (verb !== 'retry') throw new Problem('not-found', NOT_FOUND);
    const location = locationOf(record.build);
    return operationOf(await submitBuild({ request: record.request, project, location, actor }, deps.submit));
  });
}

function operations(door: FastifyInstance, deps: CloudBuildDeps): void {
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
  door.get<{ Params: { operation: string } }>(
    '/v1/projects/:project/locations/:location/operations/:operation',
    (request) => operation(request, request.params.operation),
  );
}

function serviceAccount(door: FastifyInstance, base: string, deps: CloudBuildDeps): void {
  door.get<{ Params: Scope }>(`${base}/defaultServiceAccount`, async (request): Promise<WireServiceAccount> => {
    const { project } = await authorised(request, 'reader', deps);
    const number = projectNumber(project);
    return {
      name: `projects/${number}/locations/${request.params.location ?? 'global'}/defaultServiceAccount`,
      serviceAccountEmail: `${number}@cloudbuild.gserviceaccount.com`,
    };
  });
}

async function authorised(
  request: FastifyRequest<{ Params: Scope }>,
  role: Role,
  deps: CloudBuildDeps,
): Promise<{ project: string; actor: string }> {
  const project = await projectId(request.params.project, deps.records);
  const identity = await requireRole(request.raw, role, project, deps);
  return { project, actor: identity.name };
}

/** Ids are unique, so a build is found whatever location the client names; its project must be the one in the path. */
async function recordOf(id: string, project: string, deps: CloudBuildDeps): Promise<BuildRecord> {
  const record = await deps.records.get(id);
  if (record === undefined || record.build.projectId !== project) throw new Problem('not-found', NOT_FOUND);
  return record;
}

function pageLimit(text: string | undefined): number {
  const size = Number(text ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new Problem('invalid', `invalid page size ${JSON.stringify(text)}`);
  return size === 0 ? DEFAULT_PAGE : Math.min(size, MAX_PAGE);
}
