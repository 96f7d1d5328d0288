import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { sqliteTriggerRows } from '../../../src/adapters/sqlite-builds/trigger-rows.ts';
import type { Identity } from '../../../src/auth/identity.ts';
import { ConnectionService } from '../../../src/builds/gitlab/connection-service.ts';
import { GitLabConnections } from '../../../src/builds/gitlab/gitlab-connections.ts';
import { projectNumber } from '../../../src/builds/project-number.ts';
import { WebhookReceiver } from '../../../src/builds/triggers/receive.ts';
import { TriggerService } from '../../../src/builds/triggers/trigger-service.ts';
import { TriggerSources } from '../../../src/builds/triggers/trigger-source.ts';
import { cloudbuildServer } from '../../../src/doors/cloudbuild/server.ts';
import { Transport } from '../../../src/images/remote/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openBench } from '../build-log/build-bench.ts';

const identities: Record<string, Identity> = {
  writer: { kind: 'token', name: 'w', grants: [{ role: 'writer', project: 'p1' }] },
  reader: { kind: 'token', name: 'r', grants: [{ role: 'reader', project: 'p1' }] },
  build: { kind: 'build', name: 'b', grants: [{ role: 'writer', project: 'p1' }] },
  stranger: { kind: 'token', name: 's', grants: [{ role: 'writer', project: 'p2' }] },
};
const REGION = '/v1/projects/p1/locations/eu';
const TRIGGER = { name: 't1', build: { steps: [{ name: 'ubuntu' }] } };

let folder: string;
let bench: Awaited<ReturnType<typeof openBench>>;
let door: FastifyInstance;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-triggers-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  bench = await openBench();
  const rows = sqliteTriggerRows(database);
  const transport = new Transport({});
  const secrets = { access: async () => ({ version: 1, payload: Buffer.from('right').toString('base64') }) };
  const gitlab = new GitLabConnections({ ...rows, secrets, transport });
  const start = {
    reader: { read: () => Promise.reject(new Error('no git')), changes: () => Promise.reject(new Error('no git')) },
    sources: new TriggerSources(gitlab),
    submit: () => Promise.reject(new Error('no builds')),
    defaultLocation: () => 'eu',
    reports: rows.reports,
    clock: systemClock,
  };
  const queue = { accept: async () => ({ state: 'accepted' as const }) };
  door = await cloudbuildServer({
    authenticator: { verify: async (secret) => identities[secret] },
    requireToken: true,
    records: bench.records,
    submit: bench.submitDeps,
    cancel: { records: bench.records, queue: bench.queue, logs: bench.logs, clock: systemClock, stop: () => false },
    pools: bench.workerPools,
    triggering: {
      triggers: new TriggerService({ ...rows, clock: systemClock, start, rescheduled: () => undefined }),
      connections: new ConnectionService({ ...rows, gitlab, clock: systemClock, publicUrl: 'http://here' }),
      webhooks: new WebhookReceiver({ ...rows, gitlab, queue, clock: systemClock }),
    },
  });
  close = async () => {
    await door.close();
    await bench.close();
    await database.destroy();
    await rm(folder, { recursive: true });
  };
});
afterEach(() => close());

async function send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown, token = 'writer') {
  const answer = await door.inject({
    method,
    url,
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.statusCode, json: answer.json() as Record<string, unknown> };
}

describe('triggers by the API', () => {
  it('are made, found by name, id and project number, changed and deleted', async () => {
    const { json: made } = await send('POST', `${REGION}/triggers`, TRIGGER);
    expect(made).toMatchObject({ ...TRIGGER, id: expect.any(String), createTime: expect.any(String) });
    expect(made['resourceName']).toBe(`projects/p1/locations/eu/triggers/${made['id']}`);
    for (const path of [
      `${REGION}/triggers/t1?triggerId=t1`,
      `${REGION}/triggers/${made['id']}`,
      `/v1/projects/p1/triggers/${made['id']}`,
      `/v1/projects/${projectNumber('p1')}/locations/eu/triggers/t1`,
    ])
      expect([path, (await send('GET', path)).status]).toEqual([path, path.includes(projectNumber('p1')) ? 403 : 200]);
    const changed = await send('PATCH', `${REGION}/triggers/t1?updateMask=description`, { description: 'x' });
    expect(changed.json).toEqual({ ...made, description: 'x' });
    expect((await send('PATCH', `${REGION}/triggers/t1`, { ...made, name: 't2' })).json).toEqual({
      ...made,
      name: 't2',
    });
    expect(await send('DELETE', `${REGION}/triggers/t2`)).toEqual({ status: 200, json: {} });
    expect((await send('GET', `${REGION}/triggers/t2`)).status).toBe(404);
    expect((await send('GET', `${REGION}/triggers`)).json).toEqual({});
  });

  it('come in pages, of one location or of all', async () => {
    for (const name of ['a', 'b', 'c']) await send('POST', `${REGION}/triggers`, { ...TRIGGER, name });
    const first = await send('GET', `${REGION}/triggers?pageSize=2`);
    expect(first.json['triggers']).toHaveLength(2);
    const rest = await send('GET', `${REGION}/triggers?pageSize=2&pageToken=${first.json['nextPageToken']}`);
    expect(rest.json).toMatchObject({ triggers: [{ name: 'c' }] });
    expect((await send('GET', '/v1/projects/p1/locations/-/triggers')).json['triggers']).toHaveLength(3);
    expect((await send('GET', '/v1/projects/p1/locations/us/triggers')).json).toEqual({});
    expect((await send('GET', `${REGION}/triggers?pageToken=x`)).status).toBe(400);
  });

  it('are changed by whoever writes the project, and by no build', async () => {
    await send('POST', `${REGION}/triggers`, TRIGGER);
    const connection = '/v2/projects/p1/locations/eu/connections';
    for (const token of ['reader', 'build', 'stranger'])
      for (const [method, path] of [
        ['POST', `${REGION}/triggers`],
        ['PATCH', `${REGION}/triggers/t1`],
        ['DELETE', `${REGION}/triggers/t1`],
        ['POST', `${connection}?connectionId=c`],
        ['DELETE', `${connection}/c`],
      ] as const)
        expect([token, path, (await send(method, path, {}, token)).status]).toEqual([token, path, 403]);
    expect((await send('GET', `${REGION}/triggers/t1`, undefined, 'build')).status).toBe(200);
    expect((await send('GET', `${REGION}/triggers/t1`, undefined, 'stranger')).status).toBe(403);
    expect((await send('GET', `${REGION}/triggers/t1`, undefined, '')).status).toBe(401);
    expect((await send('POST', `${REGION}/triggers/t1:run`, {}, 'reader')).status).toBe(403);
  });

  it('refuse in words what is hostile or wrong', async () => {
    for (const [body, text] of [
      ['[]', 'a trigger is a JSON object'],
      ['{"__proto__": {"name": "x"}}', 'Unknown name "__proto__"'],
      [`{"name":"t","build":${'{"steps":'.repeat(2000)}1${'}'.repeat(2000)}}`, 'nested'],
      ['{"name":"t"', 'not JSON'],
      [JSON.stringify({ ...TRIGGER, name: 'x'.repeat(70) }), 'no name of a trigger'],
    ] as const) {
      const { status, json } = await send('POST', `${REGION}/triggers`, body);
      expect({ status, message: (json['error'] as { message: string }).message }).toEqual({
        status: 400,
        message: expect.stringContaining(text),
      });
    }
    await send('POST', `${REGION}/triggers`, TRIGGER);
    expect(await send('POST', `${REGION}/triggers`, TRIGGER)).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('exists already') } },
    });
    expect((await send('POST', `${REGION}/triggers/t1:explode`, {})).status).toBe(404);
    expect(
      (await send('POST', `${REGION}/triggers/t1:run`, { source: { branchName: 'a', tagName: 'b' } })).status,
    ).toBe(400);
  });

  it('take webhooks without a token, by their secret alone', async () => {
    const webhookConfig = { secret: 'projects/p1/secrets/s/versions/1' };
    await send('POST', `${REGION}/triggers`, { ...TRIGGER, name: 'hook', webhookConfig });
    const call = (secret: string, body = '{}') =>
      send('POST', `${REGION}/triggers/hook:webhook?key=k&secret=${secret}`, body, '');
    expect(await call('right')).toEqual({ status: 200, json: { state: 'accepted' } });
    expect(await call('wrong')).toMatchObject({ status: 403 });
    expect((await call('right', '{')).status).toBe(400);
    expect((await send('POST', `${REGION}/triggers/hook:webhook`, '{}', 'writer')).status).toBe(403);
    expect((await send('POST', `${REGION}/regionalWebhook?webhookKey=x`, '{}', '')).status).toBe(403);
  });

  it('say what would happen', async () => {
    const push = { owner: 'o', name: 'n', push: { branch: '^main$' } };
    await send('POST', `${REGION}/triggers`, { name: 't1', filename: 'f', github: push });
    const check = async (supposed: object) =>
      (await send('POST', `${REGION}/triggers/t1:check`, supposed, 'reader')).json;
    expect(await check({ branch: 'main' })).toEqual({ build: true });
    expect(await check({ branch: 'topic' })).toEqual({ build: false, reason: 'branch topic does not match ^main$' });
    expect(await check({ body: {} })).toMatchObject({ build: false });
    expect(await check({ branch: 'a', tag: 'b' })).toMatchObject({ error: { code: 400 } });
    expect((await send('GET', `${REGION}/triggerEvents?trigger=t1`, undefined, 'reader')).json).toEqual({ events: [] });
  });
});
