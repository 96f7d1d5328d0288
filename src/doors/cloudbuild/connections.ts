import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Connection, Repository } from '../../builds/triggers/connection.ts';
import type { TriggerPlace } from '../../builds/triggers/triggers.ts';
import { timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { authorised, authorisedToKeep, type CloudBuildDeps, type Triggering } from './call.ts';

const BASE = '/v2/projects/:project/locations/:location';
const TYPES = 'type.googleapis.com/google.devtools.cloudbuild.v2';

interface InPlace {
  Params: { project: string; location: string };
  Querystring: Record<string, string>;
}
interface OfConnection {
  Params: InPlace['Params'] & { connection: string };
  Querystring: Record<string, string>;
}
interface OfRepository {
  Params: OfConnection['Params'] & { repository: string };
}

/** A long-running operation; ours are done when they are answered. */
interface WireOperation {
  name: string;
  metadata: { '@type': string; target: string; verb: string; apiVersion: 'v2'; createTime: string; endTime: string };
  done: true;
  response: { '@type': string };
}

/** Repositories that one request links: each is asked of GitLab. */
const MOST_AT_ONCE = 100;

/** What an operation was about: its name holds it, because clients ask for it again. */
const doneSchema = z.union([
  z.strictObject({ verb: z.literal('delete'), target: z.string() }),
  z.strictObject({ verb: z.enum(['create', 'update']), connection: z.string() }),
  z.strictObject({
    verb: z.literal('create'),
    connection: z.string(),
    repositories: z.array(z.string()).max(MOST_AT_ONCE),
    batch: z.literal(true).optional(),
  }),
]);
type Done = z.infer<typeof doneSchema>;

const batchSchema = z.object({
  requests: z.array(z.object({ repositoryId: z.string(), repository: z.unknown() })).max(MOST_AT_ONCE),
});

/** projects.locations.connections and their repositories, of the API's second version. */
export function connectionRoutes(door: FastifyInstance, deps: CloudBuildDeps, { connections }: Triggering): void {
  const inPlace = async (request: FastifyRequest<InPlace>, role: 'reader' | 'writer'): Promise<TriggerPlace> => {
    const { project } =
      role === 'writer' ? await authorisedToKeep(request, deps) : await authorised(request, role, deps);
    return { project, location: request.params.location };
  };

  door.post<InPlace>(`${BASE}/connections`, async (request) => {
    const place = await inPlace(request, 'writer');
    const id = request.query['connectionId'] ?? '';
    return operation(
      place,
      { verb: 'create', connection: id },
      await connections.create(place, id, request.body),
      'Connection',
    );
  });

  door.get<InPlace>(`${BASE}/connections`, async (request) => {
    const records = await connections.list(await inPlace(request, 'reader'));
    return records.length === 0 ? {} : { connections: records.map(({ connection }) => connection) };
  });

  door.get<OfConnection>(`${BASE}/connections/:connection`, async (request) => {
    const place = await inPlace(request, 'reader');
    return (await connections.get(place, request.params.connection)).connection;
  });

  door.patch<OfConnection>(`${BASE}/connections/:connection`, async (request) => {
    const place = await inPlace(request, 'writer');
    const { connection: id } = request.params;
    const changed = await connections.update(place, id, request.body, request.query['updateMask']);
    return operation(place, { verb: 'update', connection: id }, changed, 'Connection');
  });

  door.delete<OfConnection>(`${BASE}/connections/:connection`, async (request) => {
    const place = await inPlace(request, 'writer');
    await connections.remove(place, request.params.connection);
    return removed(place, `connections/${request.params.connection}`);
  });

  door.post<OfConnection>(`${BASE}/connections/:connection/repositories`, async (request) => {
    const place = await inPlace(request, 'writer');
    const { connection } = request.params;
    const id = request.query['repositoryId'] ?? '';
    const repository = await connections.link(place, connection, id, request.body);
    return operation(place, { verb: 'create', connection, repositories: [id] }, repository, 'Repository');
  });

  door.post<OfConnection>(`${BASE}/connections/:connection/repositories::batchCreate`, async (request) => {
    const place = await inPlace(request, 'writer');
    const { connection } = request.params;
    const batch = batchSchema.safeParse(request.body);
    if (!batch.success)
      throw new Problem(
        'invalid',
        `requests: a list of at most ${MOST_AT_ONCE} {repositoryId, repository} is expected`,
      );
    const repositories: Repository[] = [];
    for (const { repositoryId, repository } of batch.data.requests)
      repositories.push(await connections.link(place, connection, repositoryId, repository));
    const ids = repositories.map(({ name }) => name.split('/').at(-1) ?? '');
    const done: Done = { verb: 'create', connection, repositories: ids, batch: true };
    return operation(place, done, { repositories }, 'BatchCreateRepositoriesResponse');
  });

  door.get<OfConnection>(`${BASE}/connections/:connection/repositories`, async (request) => {
    const place = await inPlace(request, 'reader');
    const repositories = await connections.repositories(place, request.params.connection);
    return repositories.length === 0 ? {} : { repositories };
  });

  door.get<OfRepository & InPlace>(`${BASE}/connections/:connection/repositories/:repository`, async (request) => {
    const place = await inPlace(request, 'reader');
    return connections.repository(place, request.params.connection, request.params.repository);
  });

  door.delete<OfRepository & InPlace>(`${BASE}/connections/:connection/repositories/:repository`, async (request) => {
    const place = await inPlace(request, 'writer');
    const { connection, repository } = request.params;
    await connections.unlink(place, connection, repository);
    return removed(place, `connections/${connection}/repositories/${repository}`);
  });

  door.get<InPlace & { Params: { operation: string } }>(`${BASE}/operations/:operation`, async (request) => {
    const place = await inPlace(request, 'reader');
    const done = doneOf(request.params.operation);
    if (done.verb === 'delete') return removed(place, done.target);
    if (!('repositories' in done))
      return operation(place, done, (await connections.get(place, done.connection)).connection, 'Connection');
    const found = await Promise.all(done.repositories.map((id) => connections.repository(place, done.connection, id)));
    const [first] = found;
    if (done.batch || first === undefined)
      return operation(place, done, { repositories: found }, 'BatchCreateRepositoriesResponse');
    return operation(place, done, first, 'Repository');
  });
}

function operation(
  place: TriggerPlace,
  done: Done,
  result: Connection | Repository | { repositories: Repository[] },
  type: string,
): WireOperation {
  const target = 'name' in result ? result.name : parentOf(place);
  const at = 'updateTime' in result ? result.updateTime : timestamp(Date.now());
  return wire(place, done, target, at, { '@type': `${TYPES}.${type}`, ...result });
}

function removed(place: TriggerPlace, target: string): WireOperation {
  const response = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
  return wire(place, { verb: 'delete', target }, `${parentOf(place)}/${target}`, timestamp(Date.now()), response);
}

function wire(
  place: TriggerPlace,
  done: Done,
  target: string,
  at: string,
  response: WireOperation['response'],
): WireOperation {
  const id = `operation-${Buffer.from(JSON.stringify(done)).toString('base64url')}`;
  const metadata = {
    '@type': `${TYPES}.OperationMetadata`,
    target,
    verb: done.verb,
    apiVersion: 'v2',
    createTime: at,
    endTime: at,
  } as const;
  return { name: `${parentOf(place)}/operations/${id}`, metadata, done: true, response };
}

function doneOf(id: string): Done {
  try {
    return doneSchema.parse(JSON.parse(Buffer.from(id.replace(/^operation-/, ''), 'base64url').toString('utf8')));
  } catch {
    throw new Problem('not-found', NOT_FOUND);
  }
}

function parentOf({ project, location }: TriggerPlace): string {
  return `projects/${project}/locations/${location}`;
}
