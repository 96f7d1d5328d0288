import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { DockerEngineServer, lacksDocker } from './docker-engine-server.ts';
import { type DockerClient, dockerClients } from './docker-lessons/docker-clients.ts';

const [client] = dockerClients as readonly [DockerClient];
const REQUESTS = 500;

describe.skipIf(lacksDocker !== '')(`docker clients that go in the middle${lacksDocker}`, () => {
  let engine: DockerEngineServer;
  beforeAll(async () => {
    engine = await DockerEngineServer.start();
  }, 90_000);
  afterAll(() => engine?.close());

  /** What the server's processes hold, and what of it is on the machine. */
  async function held() {
    const processes = await engine.server.processes();
    const descriptors = processes.flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return [];
      }
    });
    const { stdout } = await runOk('ps', ['-eo', 'args']);
    return {
      sockets: descriptors.filter((name) => name.startsWith('socket:')).length,
      files: descriptors.filter((name) => name.startsWith(engine.server.data)).length,
      mounts: readFileSync('/proc/self/mountinfo', 'utf8').split(engine.server.data).length - 1,
      sleepers: stdout.split('\n').filter((line) => line.startsWith('sleep 98765')).length,
      work: (await readdir(join(engine.server.data, 'docker/owner/work'))).length,
      running: (await readdir(join(engine.server.data, 'run'))).length,
    };
  }

  async function send(text: string): Promise<Socket> {
    const socket = connect(engine.socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(text);
    return socket;
  }

  it(`leave nothing, after ${REQUESTS} of every kind`, async () => {
    await engine.ok(
      client,
      'run',
      '-d',
      '--name',
      'box',
      'box:1',
      'sh',
      '-c',
      'while true; do echo line; sleep 0.1; done',
    );
    const created = await engine.ok(client, 'create', 'box:1', 'sleep', '98765');
    const json = (path: string, body: string, length = body.length) =>
      `POST ${path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
    const upgrade = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`;
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: d\r\n\r\n`;
    const tar = 'Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nhalf of an archive';
    const kinds = [
      upgrade('/containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1'),
      upgrade(`/containers/${created}/attach?stream=1&stdout=1`),
      'POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: u\r\n\r\n',
      'POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      get('/containers/box/logs?stdout=1&follow=1'),
      get('/containers/box/stats'),
      get('/events'),
      get('/containers/box/archive?path=/bin'),
      get('/containers/box/export'),
      get('/images/get?names=box:1'),
      get('/system/df'),
      `PUT /containers/box/archive?path=/tmp HTTP/1.1\r\nHost: d\r\n${tar}`,
      `POST /build?t=half HTTP/1.1\r\nHost: d\r\n${tar}`,
      `POST /images/load HTTP/1.1\r\nHost: d\r\n${tar}`,
      `POST /images/create?fromSrc=- HTTP/1.1\r\nHost: d\r\n${tar}`,
      json('/containers/create', '{"Image":', 100),
      json(`/containers/${created}/wait`, '{}'),
      json('/containers/box/exec', '{"Cmd":["sleep","98765"]'),
      json('/containers/create', 'not json'),
      'GET /info HTTP/1.1\r\nHost',
      get('/no/such/page'),
    ];
    // once before, so that what is made on first use is there
    for (const kind of kinds) (await send(kind)).destroy();
    await sleep(1500);
    const before = await held();

    for (let i = 0; i < REQUESTS; i += 10)
      await Promise.all(
        Array.from({ length: 10 }, async (_, n) => {
          const socket = await send(kinds[(i + n) % kinds.length] ?? '');
          await sleep((n % 5) * 10);
          socket.destroy();
        }),
      );
    await expect.poll(held, { timeout: 20_000, interval: 500 }).toEqual({
      ...before,
      sockets: expect.toSatisfy((count: number) => count <= before.sockets + 2),
      files: expect.toSatisfy((count: number) => count <= before.files + 2),
    });
    expect(await engine.ok(client, 'exec', 'box', 'echo', 'well')).toBe('well');
    await engine.ok(client, 'rm', '-f', 'box', created);
  });
});
