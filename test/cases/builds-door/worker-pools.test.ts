import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/auth/identity.ts';
import { BuildPools } from '../../../src/builds/pools/build-pools.ts';
import { projectNumber } from '../../../src/builds/project-number.ts';
import type { BuildOptions } from '../../../src/builds/request/request.ts';
import { openBench } from '../build-log/build-bench.ts';
import { doorOfBench } from './door-of-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let door: FastifyInstance;
const identities: Record<string, Identity> = {
  admin: { kind: 'token', name: 'a', grants: [{ role: 'admin', project: 'p1' }] },
  writer: { kind: 'token', name: 'w', grants: [{ role: 'writer', project: 'p1' }] },
};

beforeEach(async () => {
  bench = await openBench();
  door = await doorOfBench(bench, identities, {
    submit: {
      ...bench.submitDeps,
      pools: new BuildPools(bench.poolRows, { shared: { concurrency: 3, diskSizeGb: 7 } }),
    },
  });
});
afterEach(async () => {
  await door.close();
  await bench.close();
});

const REGION = '/v1/projects/p1/locations/europe-central2';
const CONFIG = {
  privatePoolV1Config: { networkConfig: {}, workerConfig: { machineType: 'e2-standard-4', diskSizeGb: '100' } },
};

async function send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object, token = 'admin') {
  const answer = await door.inject({
    method,
    url,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, json: answer.json() };
}
const create = (id: string, body: object = CONFIG) => send('POST', `${REGION}/workerPools?workerPoolId=${id}`, body);

describe('worker pools', () => {
  it('are made, polled and asked for by the number of their project, as gcloud does', async () => {
    const made = (await create('wp')).json;
    expect(made.name).toMatch(/^projects\/p1\/locations\/europe-central2\/operations\//);
    const operation = (await send('GET', `/v1/${made.name}`)).json;
    expect(operation).toMatchObject({ done: true, response: { ...CONFIG, state: 'RUNNING' } });
    expect(operation.response['@type']).toBe('type.googleapis.com/google.devtools.cloudbuild.v1.WorkerPool');
    const name = `projects/${projectNumber('p1')}/locations/europe-central2/workerPools/wp`;
    const { json: pool } = await send('GET', `/v1/${name}`);
    expect(pool).toEqual({
      ...CONFIG,
      name,
      uid: expect.any(String),
      createTime: expect.any(String),
      state: 'RUNNING',
    });
    expect((await send('GET', `${REGION}/workerPools`)).json).toEqual({ workerPools: [pool] });
    expect((await send('GET', '/v1/projects/p1/locations/-/workerPools')).json.workerPools).toHaveLength(1);
    expect((await send('GET', '/v1/projects/p1/locations/global/workerPools')).json).toEqual({});
  });

  it('change by a mask, and go', async () => {
    await create('wp');
    const mask = 'private_pool_v1_config.worker_config.machine_type';
    const change = { privatePoolV1Config: { workerConfig: { machineType: 'e2-standard-8' } } };
    const { json } = await send('PATCH', `${REGION}/workerPools/wp?updateMask=${mask}`, change);
    expect(json.response.privatePoolV1Config).toEqual({
      networkConfig: {},
      workerConfig: { machineType: 'e2-standard-8', diskSizeGb: '100' },
    });
    expect((await send('PATCH', `${REGION}/workerPools/wp?updateMask=name`, {})).status).toBe(400);
    const { json: gone } = await send('DELETE', `${REGION}/workerPools/wp`);
    expect((await send('GET', `/v1/${gone.name}`)).json.response).toEqual({
      '@type': 'type.googleapis.com/google.protobuf.Empty',
    });
    expect((await send('GET', `${REGION}/workerPools/wp`)).status).toBe(404);
    expect((await send('DELETE', `${REGION}/workerPools/wp`)).status).toBe(404);
    expect((await send('DELETE', `${REGION}/workerPools/wp?allowMissing=true`)).status).toBe(200);
  });

  it.each([
    ['twice', 'wp', CONFIG, 409, 'already exists'],
    ['with a name that is none', 'Wp!', CONFIG, 400, 'invalid worker pool id'],
    ['without a name', '', CONFIG, 400, 'invalid worker pool id'],
    ['with an unknown field', 'x', { privatePoolV1Config: { workers: 3 } }, 400, 'Unknown name "workers"'],
    [
      'with a machine that nobody has',
      'x',
      { privatePoolV1Config: { workerConfig: { machineType: 'e2-huge' } } },
      400,
      'no machine type',
    ],
    ['with too large a disk', 'x', { privatePoolV1Config: { workerConfig: { diskSizeGb: '9999' } } }, 400, '9999'],
  ])('are not made %s', async (_, id, body, status, text) => {
    await create('wp');
    const answer = await create(id, body);
    expect([answer.status, answer.json.error.message]).toEqual([status, expect.stringContaining(text)]);
  });

  it('are for those who may administer the project, and seen by its readers', async () => {
    await create('wp');
    expect((await send('POST', `${REGION}/workerPools?workerPoolId=x`, CONFIG, 'writer')).status).toBe(403);
    expect((await send('DELETE', `${REGION}/workerPools/wp`, undefined, 'writer')).status).toBe(403);
    expect((await send('GET', `${REGION}/workerPools/wp`, undefined, 'writer')).status).toBe(200);
  });
});

describe('a build that names a pool', () => {
  const submit = (name: string, region = REGION) =>
    send('POST', `${region}/builds`, { steps: [{ name: 'busybox' }], options: { pool: { name } } }, 'writer');
  const OWN = 'projects/p1/locations/europe-central2/workerPools/wp';

  it('waits in its queue', async () => {
    await create('wp');
    expect((await submit(OWN)).status).toBe(200);
    expect((await submit(OWN.replace('p1', projectNumber('p1')))).status).toBe(200);
    expect((await submit('projects/any/locations/global/workerPools/shared')).status).toBe(200);
    expect(await bench.queue.waitingPools()).toEqual([OWN, 'shared']);
  });

  it.each([
    [OWN, REGION, 'there is no worker pool projects/p1/locations/europe-central2/workerPools/wp'],
    [OWN, '/v1/projects/p1/locations/global', 'is in another region than the build, global'],
    [OWN.replace('p1', 'p2'), REGION, 'belongs to another project'],
    ['wp', REGION, 'invalid worker pool name "wp"'],
  ])('%s is refused before it is stored', async (name, region, text) => {
    const { status, json } = await submit(name, region);
    expect([status, json.error.message]).toEqual([400, expect.stringContaining(text)]);
    expect((await bench.records.list({ project: 'p1', limit: 1 })).builds).toEqual([]);
  });

  it('gets the limits of its pool, or those that it asks for', async () => {
    const pools = new BuildPools(bench.poolRows, { shared: { concurrency: 3, diskSizeGb: 7 } });
    await create('wp');
    const limits = (options: BuildOptions) =>
      pools.limitsOf({ options, projectId: 'p1', name: 'projects/1/locations/europe-central2/builds/b' });
    expect(await limits({})).toBeUndefined();
    expect(await limits({ pool: { name: OWN } })).toEqual({
      vcpus: 4,
      memoryGb: 16,
      diskSizeGb: 100,
      publicEgress: true,
    });
    expect(await limits({ pool: { name: OWN, workerConfig: { vcpuCount: 2, memoryGb: 3.5 } } })).toEqual({
      vcpus: 2,
      memoryGb: 3.5,
      diskSizeGb: 100,
      publicEgress: true,
    });
    expect(await limits({ workerPool: 'projects/p1/locations/global/workerPools/shared' })).toEqual({
      diskSizeGb: 7,
      publicEgress: true,
    });
  });
});
