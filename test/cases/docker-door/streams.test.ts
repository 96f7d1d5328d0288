import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame } from '../../../src/containers/attach/frames.ts';
import type { AttachedClient } from '../../../src/containers/attached-client.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { DoorServer, received } from './door-server.ts';

let door: DoorServer;
beforeAll(async () => {
  door = await DoorServer.start();
});
afterAll(() => door.close());

const ATTACH = '/v1.41/containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1';
const upgrade = (path: string, body = '', more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${more}` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Gives back what comes in, in upper case, until the client ends its half; then a last word. */
async function shout({ socket }: AttachedClient): Promise<void> {
  socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase()));
  await new Promise((resolve) => socket.once('end', resolve));
  socket.write('bye');
}

describe('a connection that is taken over', () => {
  it('goes on in both directions, with what the client had sent already, and after the client’s half has ended', async () => {
    door.attached = shout;
    const socket = door.connect();
    const said = received(socket);
    socket.write(`${upgrade(ATTACH)}early `);
    await sleep(20);
    socket.write('late ');
    await sleep(20);
    socket.end('last ');
    expect(await said).toBe(
      'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nEARLY LATE LAST bye',
    );
  });

  it.each([
    [41, false, 'raw'],
    [42, false, 'multiplexed'],
    [43, true, 'raw'],
  ])('tells a client of 1.%d whether it is framed (terminal: %s): %s', async (version, terminal, kind) => {
    door.terminal = terminal;
    door.attached = async () => undefined;
    const said = await door.raw(upgrade(ATTACH.replace('41', String(version))));
    door.terminal = false;
    expect(said).toContain(`application/vnd.docker.${kind}-stream`);
  });

  it('may have a body before it, in one piece or in several', async () => {
    door.attached = shout;
    const body = '{"Detach":false,"Tty":false}';
    const request = upgrade('/exec/exec/start', body);
    for (const cut of [request.length, request.length - 10, request.length - body.length]) {
      const socket = door.connect();
      const said = received(socket);
      socket.write(request.slice(0, cut));
      await sleep(20);
      socket.end(`${request.slice(cut)}x`);
      expect(await said).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n.*\r\n\r\nXbye$/s);
    }
  });

  it('is answered 200 where the client does not ask for an upgrade', async () => {
    door.attached = async ({ socket }) => {
      socket.write('plain');
    };
    const response = await door.fetch(ATTACH, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([200, 'plain']);
  });

  it('is not taken over for what does not exist', async () => {
    const said = await door.raw(upgrade('/containers/nope/attach?stream=1'));
    expect(said).toMatch(/^HTTP\/1\.1 404 .*\{"message":"No such container: nope"\}$/s);
  });

  it('says why a command can not be run where its output would be', async () => {
    door.attached = () => Promise.reject(new Problem('invalid', 'no such program', { exitCode: 127 }));
    const said = await door.raw(upgrade('/exec/exec/start', '{}'));
    expect(said.endsWith(frame('stdout', Buffer.from('no such program\r\n')).toString('latin1'))).toBe(true);
  });

  it('ends with its client', async () => {
    const gone = new Promise<void>((resolve) => {
      door.attached = (_client, signal) =>
        new Promise((done) =>
          signal.addEventListener('abort', () => {
            resolve();
            done();
          }),
        );
    });
    const socket = door.connect();
    socket.write(upgrade(ATTACH));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await gone;
  });
});

describe('a wait', () => {
  it('sends its head at once and its answer at the end', async () => {
    let end: (result: { code: number }) => void = () => undefined;
    door.ended = new Promise((resolve) => {
      end = resolve;
    });
    const response = await door.fetch('/containers/box/wait?condition=next-exit', { method: 'POST' });
    expect(response.status).toBe(200);
    end({ code: 7 });
    expect(await response.json()).toEqual({ StatusCode: 7 });
  });

  it('for what can not come is refused before', async () => {
    const wait = (path: string) => door.fetch(path, { method: 'POST' }).then((response) => response.status);
    expect(await wait('/containers/nope/wait')).toBe(404);
    expect(await wait('/containers/box/wait?condition=never')).toBe(400);
  });
});

describe('a stream', () => {
  it('of logs ends its source when the client goes', async () => {
    const ended = new Promise<void>((resolve) => {
      door.lines = async function* (signal) {
        try {
          for (;;) {
            yield Buffer.alloc(64 * 1024);
            if (signal.aborted) return;
          }
        } finally {
          resolve();
        }
      };
    });
    const leave = new AbortController();
    const response = await door.fetch('/containers/box/logs?stdout=1&follow=1', { signal: leave.signal });
    await response.body?.getReader().read();
    leave.abort();
    await ended;
  });

  it('of events begins with what is remembered, and shows what the filters let through', async () => {
    const tell = (action: string, at: number) =>
      door.events.tell({ type: 'container', action, id: 'box', attributes: { name: 'box', image: 'a:1' }, at });
    tell('create', 1000);
    tell('start', 2000);
    const leave = new AbortController();
    const filters = encodeURIComponent(JSON.stringify({ event: { start: true, die: true }, image: { a: true } }));
    const response = await door.fetch(`/events?since=1.5&filters=${filters}`, { signal: leave.signal });
    const reader = response.body?.getReader();
    const next = async () => JSON.parse(new TextDecoder().decode((await reader?.read())?.value));
    expect(await next()).toMatchObject({
      status: 'start',
      id: 'box',
      from: 'a:1',
      Type: 'container',
      Action: 'start',
      Actor: { ID: 'box', Attributes: { name: 'box', image: 'a:1' } },
      scope: 'local',
      time: 2,
    });
    tell('kill', 3000);
    tell('die', 4000);
    expect(await next()).toMatchObject({ Action: 'die', time: 4 });
    leave.abort();
  });

  it('of past events ends by itself', async () => {
    const response = await door.fetch('/events?since=1&until=2.5');
    const actions = (await response.text())
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line).Action);
    expect(actions).toEqual(['create', 'start']);
  });
});

it('nothing stays of clients that went in the middle of anything', async () => {
  door.attached = (_client, signal) => new Promise((done) => signal.addEventListener('abort', () => done()));
  door.ended = new Promise(() => undefined);
  door.lines = async function* (signal) {
    while (!signal.aborted) {
      yield Buffer.from('line');
      await sleep(5);
    }
  };
  // those that the tests before keep alive
  const before = await door.connections();
  const requests = [
    upgrade(ATTACH),
    upgrade('/exec/exec/start', '{}'),
    upgrade('/exec/exec/start', '{}').slice(0, -1),
    'POST /containers/box/wait HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n',
    'GET /containers/box/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n',
    'GET /events HTTP/1.1\r\nHost: d\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"Im',
    'GET /info HTTP/1.1\r\nHost',
  ];
  for (let round = 0; round < 64; round++) {
    const socket = door.connect();
    socket.on('error', () => undefined);
    socket.write(requests[round % requests.length] ?? '');
    await sleep(3);
    // whoever ends a connection that was taken over in order may still want to hear what comes
    if (round % 4 < 2) socket.resetAndDestroy();
    else socket.destroy();
  }
  for (let tries = 0; (await door.connections()) > before && tries < 100; tries++) await sleep(20);
  expect(await door.connections()).toBeLessThanOrEqual(before);
  expect((await door.fetch('/_ping')).status).toBe(200);
});
