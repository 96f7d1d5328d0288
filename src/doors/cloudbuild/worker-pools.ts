import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PoolKey } from '../../builds/pools/pool-rows.ts';
import { readWorkerPool, type WorkerPool } from '../../builds/pools/worker-pool.ts';
import { Problem } from '../../lib/problem.ts';
import { GoogleError, NOT_FOUND } from '../http/google-errors.ts';
import { authorised, type CloudBuildDeps, type Scope } from './call.ts';

type InLocation = Required<Scope>;
type OfPool = { Params: InLocation & { pool: string } };

const BASE = '/v1/projects/:project/locations/:location/workerPools';
const TYPES = 'type.googleapis.com/google.devtools.cloudbuild.v1.';
const EMPTY = { '@type': 'type.googleapis.com/google.protobuf.Empty' };

/** Which change an operation stands for. */
type Verb = 'create' | 'update' | 'delete';

/** Changes of pools are done when they are answered; gcloud asks for their operation all the same. */
interface PoolOperation {
  name: string;
  metadata: { '@type': string; workerPool: string };
  done: true;
  response: { '@type': string } | ({ '@type': string } & WorkerPool);
}

/** projects.locations.workerPools. */
export function workerPoolRoutes(door: FastifyInstance, deps: CloudBuildDeps): void {
  door.post<{ Params: InLocation; Querystring: { workerPoolId?: string; validateOnly?: string } }>(
    BASE,
    async (request) => {
      const key = { ...(await placeOf(request, 'admin', deps)), id: request.query.workerPoolId ?? '' };
      const asked = readWorkerPool(request.body);
      const pool = await deps.pools.create(key, asked).catch((error: unknown) => {
        throw error instanceof Problem && error.code === 'conflict'
          ? new GoogleError(409, 'ALREADY_EXISTS', error.message)
          : error;
      });
      return operationOf('create', key, pool);
    },
  );

  door.get<{ Params: InLocation }>(BASE, async (request) => {
    const { project, location } = await placeOf(request, 'reader', deps);
    const workerPools = await deps.pools.list(project, location);
    // left out when there is none, as Google leaves out empty lists
    return workerPools.length === 0 ? {} : { workerPools };
  });

  door.get<OfPool>(`${BASE}/:pool`, async (request) => deps.pools.get(await keyOf(request, 'reader', deps)));

  door.patch<OfPool & { Querystring: { updateMask?: string } }>(`${BASE}/:pool`, async (request) => {
    const key = await keyOf(request, 'admin', deps);
    const mask = (request.query.updateMask ?? '').split(',').filter((path) => path !== '');
    return operationOf('update', key, await deps.pools.update(key, readWorkerPool(request.body), mask));
  });

  door.delete<OfPool & { Querystring: { allowMissing?: string } }>(`${BASE}/:pool`, async (request) => {
    const key = await keyOf(request, 'admin', deps);
    await deps.pools.remove(key).catch((error: unknown) => {
      const missing = error instanceof Problem && error.code === 'not-found';
      if (!missing || request.query.allowMissing !== 'true') throw error;
    });
    return operationOf('delete', key);
  });
}

/** Whether an operation of a location, by the last part of its name, is one of a pool. */
export function isPoolOperation(operation: string): boolean {
  return verbAndId(operation) !== undefined;
}

/** What a pool's operation has come to: the pool as it is now. */
export async function poolOperation(
  request: FastifyRequest<{ Params: Scope & { operation: string } }>,
  deps: CloudBuildDeps,
): Promise<PoolOperation> {
  const { project } = await authorised(request, 'reader', deps);
  const [verb, id] = verbAndId(request.params.operation) ?? [];
  if (verb === undefined || id === undefined) throw new Problem('not-found', NOT_FOUND);
  const key = { project, location: request.params.location ?? 'global', id };
  return operationOf(verb, key, verb === 'delete' ? undefined : await deps.pools.get(key));
}

/** An operation is named by what it did, so that none has to be kept: `worker-pool-create-ID`. */
function verbAndId(operation: string): [Verb, string] | undefined {
  const [, verb, id] = /^worker-pool-(create|update|delete)-(.+)$/.exec(operation) ?? [];
  return verb === undefined || id === undefined ? undefined : [verb as Verb, id];
}

function operationOf(verb: Verb, key: PoolKey, pool?: WorkerPool): PoolOperation {
  const { project, location, id } = key;
  const kind = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}WorkerPoolOperationMetadata`;
  return {
    name: `projects/${project}/locations/${location}/operations/worker-pool-${verb}-${id}`,
    metadata: {
      '@type': `${TYPES}${kind}`,
      workerPool: pool?.name ?? `projects/${project}/locations/${location}/workerPools/${id}`,
    },
    done: true,
    response: pool === undefined ? EMPTY : { '@type': `${TYPES}WorkerPool`, ...pool },
  };
}

async function placeOf(
  request: FastifyRequest<{ Params: InLocation }>,
  role: 'reader' | 'admin',
  deps: CloudBuildDeps,
): Promise<{ project: string; location: string }> {
  const { project } = await authorised(request, role, deps);
  return { project, location: request.params.location };
}

async function keyOf(
  request: FastifyRequest<OfPool>,
  role: 'reader' | 'admin',
  deps: CloudBuildDeps,
): Promise<PoolKey> {
  return { ...(await placeOf(request, role, deps)), id: request.params.pool };
}
