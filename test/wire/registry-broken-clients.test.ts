import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import { pause } from '../../src/lib/retry.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

describe('clients that break off', () => {
  let server: RegistryServer;
  let authorization: string;
  const blob = randomBytes(3 << 20);
  const digest = digestOf(blob);

  beforeAll(async () => {
    server = await startRegistryServer();
    const secret = await server.token({ role: 'admin', project: 'p' });
    authorization = `Basic ${Buffer.from(`x:${secret}`).toString('base64')}`;
  });
  afterAll(() => server.close());

  const begin = (method: string, path: string, headers: Record<string, string | number> = {}) =>
    request(`${server.url}${path}`, { method, headers: { Authorization: authorization, ...headers } });

  const send = (method: string, path: string, body?: Buffer, headers: Record<string, string | number> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = begin(method, path, { 'Content-Length': body?.length ?? 0, ...headers });
      sent.on('error', reject);
      sent.on('response', (answer) => resolve(answer.resume()));
      sent.end(body);
    });

  const underWay = () => readdir(join(server.folder.content, 'ingest')).catch(() => []);

  it('in the middle of a PATCH, and go on from the offset that the session has', async () => {
    const session = (await send('POST', '/v2/p/r/a/blobs/uploads/')).headers.location ?? '';
    const broken = begin('PATCH', session, { 'Transfer-Encoding': 'chunked' });
    broken.on('error', () => undefined);
    broken.write(blob.subarray(0, 2 << 20));
    await pause(300);
    broken.destroy();

    let stored = 0;
    for (let i = 0; i < 50 && stored === 0; i++) {
      await pause(50);
      const state = await send('GET', session);
      expect(state.statusCode).toBe(204);
      stored = Number(/^0-(\d+)$/.exec(state.headers.range ?? '')?.[1]);
    }
    const offset = stored + 1;
    expect(offset).toBeLessThanOrEqual(2 << 20);
    const rest = { 'Content-Range': `${offset}-${blob.length - 1}` };
    expect((await send('PATCH', session, blob.subarray(offset), rest)).statusCode).toBe(202);
    expect((await send('PUT', `${session}?digest=${digest}`)).statusCode).toBe(201);
    expect((await server.content.read(digest, blob.length)).equals(blob)).toBe(true);
  });

  it('in the middle of a whole POST, and leave nothing behind', async () => {
    const other = digestOf('never sent whole');
    const broken = begin('POST', `/v2/p/r/b/blobs/uploads/?digest=${other}`, { 'Content-Length': blob.length });
    broken.on('error', () => undefined);
    broken.write(blob.subarray(0, 1 << 20));
    for (let i = 0; i < 100 && (await underWay()).length === 0; i++) await pause(50);
    expect(await underWay(), 'the upload has begun').toHaveLength(1);
    broken.destroy();
    for (let i = 0; i < 100 && (await underWay()).length > 0; i++) await pause(50);
    expect(await underWay()).toEqual([]);
    expect((await send('HEAD', `/v2/p/r/b/blobs/${other}`)).statusCode).toBe(404);
  });

  it('in the middle of a pull, again and again, and leave the server well', async () => {
    expect((await send('POST', `/v2/p/r/c/blobs/uploads/?digest=${digest}`, blob)).statusCode).toBe(201);
    for (let i = 0; i < 20; i++)
      await new Promise<void>((resolve) => {
        const pull = begin('GET', `/v2/p/r/c/blobs/${digest}`);
        pull.on('error', () => undefined);
        pull.on('close', () => resolve());
        pull.on('response', (answer) => answer.once('data', () => pull.destroy()));
        pull.end();
      });
    expect((await send('GET', `/v2/p/r/c/blobs/${digest}`)).statusCode).toBe(200);
  });

  it('read why a body of many megabytes was refused before its end', async () => {
    const body = Buffer.alloc(24 << 20);
    const refused = await send('POST', `/v2/other/r/d/blobs/uploads/?digest=${digest}`, body);
    expect(refused.statusCode).toBe(403);
    const session = (await send('POST', '/v2/p/r/a/blobs/uploads/')).headers.location ?? '';
    const ahead = { 'Content-Range': `100-${body.length + 99}` };
    expect((await send('PATCH', session, body, ahead)).statusCode).toBe(416);
    const wrong = await send('POST', `/v2/p/r/d/blobs/uploads/?digest=${digest}`, body);
    expect(wrong.statusCode).toBe(400);
  });
});
