import type { FastifyInstance } from 'fastify';
import { locationOf } from '../../builds/build.ts';
import { parseFilter } from '../../builds/filter.ts';
import { cancelBuild } from '../../builds/queue/cancel-build.ts';
import { readJsonRequest } from '../../builds/request/read-request.ts';
import { submitBuild } from '../../builds/submit.ts';
import { Problem } from '../../lib/problem.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { authorised, type CloudBuildDeps, recordOf, SCOPES, type Scope } from './call.ts';
import { operationOf, type WireBuildList } from './wire.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;

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

function pageLimit(text: string | undefined): number {
  const size = Number(text ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new Problem('invalid', `invalid page size ${JSON.stringify(text)}`);
  return size === 0 ? DEFAULT_PAGE : Math.min(size, MAX_PAGE);
}
