import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { RegistryProcess } from '../registry-many/registry-process.ts';
import { SlowClient } from './slow-client.ts';

export interface SlowClients {
  /** After which a connection on which nothing moves is given up. */
  idleMs: number;
  /** How often a slow client sends or takes a byte: often enough to count as alive. */
  dripMs: number;
  /** For how long the senders send. */
  forMs: number;
  senders: number;
  /** Each fills some megabytes of the kernel's buffers before its server notices anything. */
  takers: number;
}

const LAYER = Buffer.alloc(16 << 20, 'layer ');
const REPOSITORY = '/v2/p/images/app';

/** What slow, silent and vanished clients do to a registry and to its other clients. */
export function slowClients({ idleMs, dripMs, forMs, senders, takers }: SlowClients): void {
  let server: RegistryProcess;
  const clients: SlowClient[] = [];
  beforeAll(async () => {
    server = await RegistryProcess.start(idleMs);
    const pushed = await server.send('POST', `blobs/uploads/?digest=${digestOf(LAYER)}`, { body: LAYER });
    expect(pushed.status).toBe(201);
  });
  afterAll(async () => {
    for (const client of clients) client.end();
    await server.stop();
  });

  const connected = async () => {
    const client = await SlowClient.open(server.host);
    clients.push(client);
    return client;
  };
  const begin = async () => (await server.send('POST', 'blobs/uploads/')).headers.location ?? '';
  const sizeOf = async (session: string) => (await server.send('GET', session)).headers.range;
  /** That everybody else is served as if nobody were slow. */
  const expectServed = async () => {
    for (let i = 0; i < 10; i++) {
      const bytes = Buffer.from(`blob ${i}`);
      expect((await server.send('POST', `blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes })).status).toBe(201);
      expect((await server.send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
    }
    expect((await server.send('GET', `blobs/${digestOf(LAYER)}`)).body.equals(LAYER)).toBe(true);
  };

  it(`${senders} that send a byte now and then are waited for, and cost next to nothing`, async () => {
    await expectServed();
    const before = await server.memory();
    const sessions: string[] = [];
    for (let i = 0; i < senders; i++) {
      const session = await begin();
      sessions.push(session);
      const client = await connected();
      client.head('PATCH', session, server.secret, ['Content-Length: 1000000']);
      client.drip(dripMs);
    }
    await expectServed();
    await pause(forMs);
    expect(clients.filter((client) => client.closed)).toEqual([]);
    const { now } = await server.memory();
    expect(now - before.now).toBeLessThan(50 + senders / 4);
    for (const client of clients.splice(0)) client.end();
    await pause(300);
    expect(await sizeOf(sessions[0] ?? '')).toMatch(/^0-[1-9]\d*$/);
    expect((await server.send('PATCH', sessions[0] ?? '', { body: Buffer.from('more') })).status).toBe(202);
  });

  it(`${takers} that take a byte now and then, or none at all, hold little memory and no file for long`, async () => {
    const [before, files] = [await server.memory(), await server.openFiles()];
    for (let i = 0; i < takers; i++) {
      const client = await connected();
      client.head('GET', `${REPOSITORY}/blobs/${digestOf(LAYER)}`, server.secret);
      client.stopReading(i % 2 === 0 ? dripMs : undefined);
    }
    await pause(500);
    await expectServed();
    const { now } = await server.memory();
    expect(now - before.now).toBeLessThan(50 + 3 * takers);
    // what has not moved for the time that a connection may rest is given up; bytes that moved within it count as a second time
    await pause(2 * idleMs + 1000);
    expect(await server.openFiles()).toBeLessThan(files + 10);
    for (const client of clients.splice(0)) client.end();
  });

  it('one that falls silent in the middle of its bytes is given up; what it brought stays, and another goes on', async () => {
    const session = await begin();
    const silent = await connected();
    silent.head('PATCH', session, server.secret, ['Content-Length: 100']);
    silent.write('half of it');
    await pause(300);
    const busy = await server.send('PATCH', session, { body: Buffer.from(' and the rest') });
    expect(busy.status).toBe(416);
    await silent.untilClosed();
    expect(await sizeOf(session)).toBe('0-9');
    expect((await server.send('PATCH', session, { body: Buffer.from(' and the rest') })).status).toBe(202);
    const digest = digestOf('half of it and the rest');
    expect((await server.send('PUT', `${session}?digest=${digest}`)).status).toBe(201);
  });

  it('one that falls silent in the middle of its headers, or before them, is given up', async () => {
    const [mute, half] = [await connected(), await connected()];
    half.write('GET /v2/ HTTP/1.1\r\nHost: registry\r\nX-Half: ');
    await Promise.all([mute.untilClosed(), half.untilClosed()]);
    await expectServed();
  });
}
