import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Build, BuildStatus } from '../../../src/builds/build.ts';
import { signature, webhookKey } from '../../../src/lib/webhook.ts';
import { startBuildNotifications } from '../../../src/start/build-notifications.ts';
import { type Owner, openOwner } from '../../../src/start/owner.ts';

interface Got {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver that can be away. */
let receiver: Server;
let base: string;
let answer = 200;
const got: Got[] = [];
let folder: string;
let owner: Owner;
let notifications: Awaited<ReturnType<typeof startBuildNotifications>>;

beforeEach(async () => {
  got.length = 0;
  answer = 200;
  folder = await mkdtemp(join(tmpdir(), 'slipway-notify-'));
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  await writeFile(join(folder, 'key'), 'whsec_c2VjcmV0\n');
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (answer === 200)
        got.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await rm(folder, { recursive: true });
});

async function start(lines: string): Promise<void> {
  await writeFile(join(folder, 'data/slipway.yaml'), `builds:\n  notifications:\n${lines}`);
  owner = await openOwner(join(folder, 'data'), 'test');
  notifications = await startBuildNotifications(owner);
  // a receiver hears of what happens from now on: it has found its place
  await new Promise((resolve) => setTimeout(resolve, 100));
}
async function stop(): Promise<void> {
  await notifications.close();
  await owner.close();
}

const build = (id: string, more: Partial<Build> = {}): Build => ({
  id,
  name: `projects/1/locations/global/builds/${id}`,
  projectId: 'shop',
  steps: [{ name: 'busybox' }],
  options: {},
  timeout: '600s',
  queueTtl: '3600s',
  status: 'QUEUED',
  createTime: '2026-09-30T10:00:00.000Z',
  logsBucket: 'gs://l',
  logUrl: 'http://h',
  ...more,
});
const create = (one: Build) => owner.stores.builds.create({ build: one, request: {}, actor: 'me' });
const become = async (id: string, from: BuildStatus, status: BuildStatus) => {
  expect(await owner.stores.builds.update(id, [from], { status })).toBeDefined();
};
const live = async (one: Build) => {
  await create(one);
  await become(one.id, 'QUEUED', 'WORKING');
  await owner.stores.builds.update(one.id, ['WORKING'], { steps: one.steps });
  await become(one.id, 'WORKING', 'SUCCESS');
};

describe('notifications of builds', () => {
  it('tell each transition once, in order, signed', async () => {
    await start(`  - url: ${base}/hook\n    secretFile: ${folder}/key\n`);
    await live(build('b1'));
    await expect.poll(() => got.length, { timeout: 5000 }).toBe(3);
    expect(got.map(({ headers }) => headers['webhook-id'])).toEqual([
      'build-b1-queued',
      'build-b1-working',
      'build-b1-success',
    ]);
    const { headers, body } = got[0] as Got;
    expect(JSON.parse(body)).toMatchObject({ type: 'build.queued', data: build('b1') });
    const timestamp = Number(headers['webhook-timestamp']);
    expect(headers['webhook-signature']).toBe(
      signature(webhookKey('whsec_c2VjcmV0'), 'build-b1-queued', timestamp, body),
    );
  });

  it('come as Pub/Sub pushes them, to the topic that the build names and to cloud-builds', async () => {
    await start(
      `  - {url: "${base}/own", topic: projects/shop/topics/mine}\n  - {url: "${base}/all", topic: projects/shop/topics/cloud-builds}\n`,
    );
    await live(build('b1', { options: { pubsubTopic: 'projects/shop/topics/mine' } }));
    await live(build('b2'));
    await live(build('b3', { projectId: 'other' }));
    await expect.poll(() => got.length, { timeout: 5000 }).toBe(9);
    const messages = got.map(({ path, body }) => ({ path, ...JSON.parse(body) }));
    const told = (path: string) =>
      messages
        .filter((one) => one.path === path)
        .map(({ message }) => `${message.attributes.buildId} ${message.attributes.status}`);
    expect(told('/own')).toEqual(['b1 QUEUED', 'b1 WORKING', 'b1 SUCCESS']);
    expect(told('/all')).toEqual(['b1 QUEUED', 'b1 WORKING', 'b1 SUCCESS', 'b2 QUEUED', 'b2 WORKING', 'b2 SUCCESS']);
    const { message, subscription } = messages[0];
    expect(subscription).toMatch(/^projects\/shop\/subscriptions\/(mine|cloud-builds)$/);
    expect(JSON.parse(Buffer.from(message.data, 'base64').toString())).toMatchObject({ id: 'b1', status: 'QUEUED' });
    expect(message.publishTime).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('tell what they are asked to alone', async () => {
    await start(`  - {url: "${base}/x", statuses: [SUCCESS, FAILURE], projects: [shop]}\n`);
    await live(build('b1', { projectId: 'other' }));
    await live(build('b2'));
    await expect.poll(() => got.length, { timeout: 5000 }).toBe(1);
    expect(got[0]?.headers['webhook-id']).toBe('build-b2-success');
  });

  it('wait for a receiver that is away, over a restart, and are forgotten when all have them', async () => {
    const lines = `  - url: ${base}/hook\n`;
    await start(lines);
    answer = 503;
    await live(build('b1'));
    await stop();
    answer = 200;
    await start(lines);
    await live(build('b2'));
    await expect.poll(() => got.length, { timeout: 5000 }).toBe(6);
    expect(got.map(({ headers }) => headers['webhook-id'])).toEqual([
      'build-b1-queued',
      'build-b1-working',
      'build-b1-success',
      'build-b2-queued',
      'build-b2-working',
      'build-b2-success',
    ]);
    await expect.poll(() => owner.buildEvents.after(0, 10), { timeout: 3000 }).toEqual([]);
  });

  it('are not kept where nobody is to be told', async () => {
    await start('    []\n');
    await live(build('b1'));
    expect(await owner.buildEvents.after(0, 10)).toEqual([]);
  });
});
