import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { pause } from '../../../src/lib/retry.ts';
import { PlantedUpstream } from '../../cases/registry-remote/planted-upstream.ts';
import { callRegistry } from '../../wire/registry-call.ts';
import { TestServer } from '../../wire/server.ts';

const LAYER = randomBytes(8_000_000);
const LAYER_DIGEST = digestOf(LAYER);

let upstream: PlantedUpstream;
let server: TestServer;

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  upstream.image('library/python:3', LAYER);
  server = await TestServer.start();
  await server.stop();
  const database = await openDatabase(join(server.data, 'slipway.db'));
  await new SqliteRepositories(database).create(
    {
      ...{ location: 'europe-central2', project: 'base', repository: 'hub', mode: 'remote' },
      remote: { url: `http://${upstream.host}`, dockerHub: true, freshSeconds: 60, byOwner: true },
    },
    'owner',
  );
  await database.destroy();
  await server.restart();
});
afterEach(async () => {
  await server.close();
  await upstream.stop();
});

const layer = async () =>
  callRegistry(server.host, 'GET', `/v2/base/hub/python/blobs/${LAYER_DIGEST}`, { secret: await server.token() });
const manifest = async () =>
  callRegistry(server.host, 'GET', '/v2/base/hub/python/manifests/3', { secret: await server.token() });

/** Half of the layer comes, and then nothing. */
function plantHalf(): void {
  upstream.plan = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(200, { 'content-length': LAYER.length });
    response.write(LAYER.subarray(0, LAYER.length / 2));
    return true;
  };
}

/** Until the file of the layer grows below the data folder. */
async function underWay(): Promise<void> {
  for (let tries = 0; (await leftovers()).length === 0; tries++) {
    if (tries === 200) throw new Error('the fetch did not begin');
    await pause(25);
  }
}

const leftovers = () => readdir(join(server.data, 'content/ingest')).catch(() => []);

it('a server that is killed in the middle of a fetch leaves nothing of it, and fetches it whole after that', async () => {
  expect((await manifest()).status).toBe(200);
  plantHalf();
  const cut = layer().catch((error: unknown) => error);
  await underWay();
  await server.kill();
  expect(await cut).toBeInstanceOf(Error);
  upstream.plan = () => false;
  await server.restart();
  expect(await leftovers()).toEqual([]);
  const answer = await layer();
  expect(answer.status).toBe(200);
  expect(answer.body.equals(LAYER)).toBe(true);
  await upstream.stop();
  expect((await layer()).body.equals(LAYER)).toBe(true);
  await upstream.listen();
});

it('a server that is stopped in the middle of a fetch ends in order and leaves nothing of it', async () => {
  await manifest();
  plantHalf();
  const cut = layer().catch((error: unknown) => error);
  await underWay();
  const began = Date.now();
  expect(await server.stop()).toBe(0);
  expect(Date.now() - began).toBeLessThan(20_000);
  expect(await cut).toBeInstanceOf(Error);
  expect(await leftovers()).toEqual([]);
});
