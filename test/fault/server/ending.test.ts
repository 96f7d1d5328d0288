import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from '../main-job/traces.ts';

const why = await missingForBuilds();
const SLEEP = {
  'cloudbuild.yaml': "steps:\n- name: busybox\n  args: [sh, -c, 'echo begun; setsid sleep 3600 & sleep 3600']\n",
};
/** What service managers and people wait for. */
const PATIENCE_MS = 10_000;

describe.skipIf(why !== '')(`the end of a server and of its workers${why}`, () => {
  let server: TestServer;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    // whatever is rejected and not handled ends the process, and the test with it
    const environment = { NODE_OPTIONS: '--unhandled-rejections=strict' };
    server = await TestServer.start({ config: await mirrorConfig('builds:\n  drainSeconds: 0\n'), environment });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server?.close();
  });

  const atWork = async (): Promise<string> => {
    const folder = await server.source('sleep', SLEEP);
    const id = await server.submitAsync(folder, '--config', join(folder, 'cloudbuild.yaml'));
    const sleeping = async () => (await traces(server)).filter((trace) => / sleep 3600$/.test(trace)).length;
    await expect.poll(sleeping, { timeout: 60_000, interval: 200 }).toBe(2);
    return id;
  };

  /** A connection that a client leaves as it is; gives what came back when something did. */
  const open = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const [host = '', port = ''] = server.host.split(':');
      const socket = connect({ host, port: Number(port), allowHalfOpen: true }, () => socket.write(text));
      sockets.push(socket);
      socket.once('data', (chunk) => resolve(chunk.toString()));
      socket.on('error', reject);
    });

  /** The worker that runs the build: the one that has children. */
  const busyWorker = async (): Promise<number> => {
    const busy = (await server.processes())
      .slice(1)
      .filter((pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() !== '');
    expect(busy).toHaveLength(1);
    return busy[0] ?? 0;
  };

  it('waits for no client: log pages, tunnels, half-open and silent connections', async () => {
    const id = await atWork();
    const { logUrl = '' } = await server.build(id);
    const page = new URL(logUrl);
    expect(await open(`GET ${page.pathname}/log${page.search} HTTP/1.1\r\nhost: x\r\n\r\n`)).toContain('event-stream');
    expect(await open('CONNECT storage.googleapis.com:443 HTTP/1.1\r\nhost: x\r\n\r\n')).toContain('200');
    expect(await open('CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n')).toContain('403');
    void open('POST /v2/demo/a/b/blobs/uploads/ HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nabc').catch(
      () => '',
    );
    void open('GET /healthz HTTP/1.1\r\nhost').catch(() => '');
    const began = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - began).toBeLessThan(PATIENCE_MS);
    expect(await traces(server)).toEqual([]);
  });

  it('comes in time when the process of a build is stuck, and leaves nothing for the next start', async () => {
    const id = await atWork();
    process.kill(await busyWorker(), 'SIGSTOP');
    const began = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - began).toBeLessThan(PATIENCE_MS);
    expect(await traces(server)).toEqual([]);
    await server.restart();
    expect((await server.build(id)).status).toBe('INTERNAL_ERROR');
  });

  it('comes at once with a second signal', async () => {
    await atWork();
    process.kill(await busyWorker(), 'SIGSTOP');
    process.kill(server.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = Date.now();
    await server.stop();
    expect(Date.now() - began).toBeLessThan(2000);
    await server.restart();
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
  });

  it('is not felt by other builds when a worker is killed: all it had goes, and the server serves on', async () => {
    const id = await atWork();
    const { config } = { config: join(server.data, 'builds', id, 'home/.docker/config.json') };
    const { auths } = JSON.parse(readFileSync(config, 'utf8')) as { auths: Record<string, { auth: string }> };
    const [, token = ''] = Buffer.from(Object.values(auths)[0]?.auth ?? '', 'base64')
      .toString()
      .split(':');
    const bearer = { headers: { authorization: `Bearer ${token}` } };
    expect((await fetch(`${server.url}/v2/`, bearer)).status).toBe(200);
    process.kill(await busyWorker(), 'SIGKILL');
    const status = async () => (await server.build(id)).status;
    await expect.poll(status, { timeout: 20_000, interval: 500 }).toBe('INTERNAL_ERROR');
    expect(await traces(server)).toEqual([]);
    expect((await fetch(`${server.url}/v2/`, bearer)).status).toBe(401);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('is not a worker’s to decide: signals to its group leave a build running', async () => {
    const id = await atWork();
    const worker = await busyWorker();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(worker, signal);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await server.build(id)).status).toBe('WORKING');
    expect(await server.ok('builds', 'cancel', id)).toContain('CANCELLED');
  });

  it('leaves neither descriptors nor processes behind each build', async () => {
    const folder = await server.source('version', {
      'cloudbuild.yaml': 'steps:\n- name: gcr.io/cloud-builders/docker\n  args: [version]\n',
    });
    const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
    const config = join(folder, 'cloudbuild.yaml');
    const build = async () => expect((await server.submit(folder, '--config', config)).code).toBe(0);
    for (let i = 0; i < 2; i++) await build();
    const before = { descriptors: open(), processes: (await server.processes()).length };
    for (let i = 0; i < 6; i++) await build();
    const after = { descriptors: open() };
    // a connection or two of clients that just left may be closing
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
    const processes = async () => (await server.processes()).length;
    await expect.poll(processes, { timeout: 30_000 }).toBeLessThanOrEqual(before.processes);
  });
});
