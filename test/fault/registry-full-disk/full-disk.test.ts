import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { callRegistry, type RegistryAnswer, type Sending } from '../../wire/registry-call.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';
import { canMount, SmallDisk } from './small-disk.ts';

const MB = 1 << 20;
const REPOSITORY = '/v2/p/images/app';

describe.skipIf(!(await canMount()))('a registry on a full disk (skipped without the right to mount)', () => {
  let disk: SmallDisk;
  let server: RegistryServer;
  let secret: string;
  const send = (method: string, path: string, sending: Sending = {}) =>
    callRegistry(server.host, method, path.startsWith('/') ? path : `${REPOSITORY}/${path}`, { secret, ...sending });
  const start = async (reserveBytes: number) => {
    server = await startRegistryServer({ folder: disk.folder, reserveBytes });
    secret = await server.token({ role: 'admin', project: 'p' });
  };
  const push = async (bytes: Buffer) => {
    const answer = await send('POST', `blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes });
    expect(answer.status, answer.body.toString()).toBe(201);
  };
  const begin = async () => (await send('POST', 'blobs/uploads/')).headers.location ?? '';
  const manifest = Buffer.from('{"schemaVersion":2,"manifests":[]}');

  beforeEach(async () => {
    disk = await SmallDisk.mount(24 * MB);
  });
  afterEach(async () => {
    await server.close();
    await disk.unmount();
  });

  it('begins no upload that would eat what is kept for records', async () => {
    await start(8 * MB);
    await push(Buffer.alloc(10 * MB, 'a'));
    await push(Buffer.alloc(3 * MB, 'b'));
    await disk.fill();
    expectFull(await send('POST', 'blobs/uploads/'));
    expect(await readdir(server.folder.uploads)).toEqual([]);
    expectFull(await send('PUT', 'manifests/v1', { body: manifest }));
    expect((await send('GET', 'tags/list')).body.toString()).toContain('"tags":[]');
    expect((await send('HEAD', `blobs/${digestOf(Buffer.alloc(10 * MB, 'a'))}`)).status).toBe(200);
    await disk.free();
    expect((await send('PUT', 'manifests/v1', { body: manifest })).status).toBe(201);
  });

  it.each([false, true])(
    'refuses a blob that has no room, whole, and keeps nothing of it (streamed: %s)',
    async (streamed) => {
      await start(MB);
      const large = Buffer.alloc(30 * MB, 'x');
      expectFull(await send('POST', `blobs/uploads/?digest=${digestOf(large)}`, { body: large, streamed }));
      await expectNothingLeft(server);
      await push(Buffer.alloc(5 * MB, 'y'));
    },
  );

  it('keeps what a session has when the next piece finds no room, and goes on when there is some', async () => {
    await start(0);
    const bytes = Buffer.concat([Buffer.alloc(2 * MB, 'a'), Buffer.alloc(3 * MB, 'b'), Buffer.alloc(MB, 'c')]);
    const location = await begin();
    const piece = (from: number, to: number) => ({
      headers: { 'Content-Range': `${from}-${to - 1}` },
      body: bytes.subarray(from, to),
    });
    expect((await send('PATCH', location, piece(0, 2 * MB))).status).toBe(202);
    await disk.fill();
    expectFull(await send('PATCH', location, piece(2 * MB, 5 * MB)));
    expectFull(await send('PATCH', location, { body: bytes.subarray(2 * MB), streamed: true }));
    expectFull(await send('PUT', `${location}?digest=${digestOf(bytes)}`, piece(2 * MB, 6 * MB)));
    const state = await send('GET', location);
    expect([state.status, state.headers.range]).toEqual([204, `0-${2 * MB - 1}`]);
    await disk.free();
    expect((await send('PATCH', location, piece(2 * MB, 5 * MB))).status).toBe(202);
    const closed = await send('PUT', `${location}?digest=${digestOf(bytes)}`, piece(5 * MB, 6 * MB));
    expect(closed.status, closed.body.toString()).toBe(201);
    expect((await send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
    await expectNothingLeft(server);
  });

  it('says so where records find no room, changes nothing half, and forgets nothing', async () => {
    await start(0);
    await push(Buffer.from('a layer'));
    expect((await send('PUT', 'manifests/old', { body: manifest })).status).toBe(201);
    const upload = await begin();
    expect((await send('PATCH', upload, { body: Buffer.from('all of it') })).status).toBe(202);
    await disk.fill();
    // what the write-ahead log and the blocks of files have left is used first: only what grows can fail
    const refused = new Map<string, number>();
    const until = async (what: string, attempt: (n: number) => Promise<RegistryAnswer>) => {
      for (let n = 0; n < 400; n++) {
        const answer = await attempt(n);
        if (answer.status === 507) {
          expectFull(answer);
          refused.set(what, n);
          return;
        }
        expect(answer.status, answer.body.toString()).toBeLessThan(300);
      }
    };
    const mounted = `mount=${digestOf('a layer')}&from=p/images/app`;
    await until('mount', (n) => send('POST', `/v2/p/images/other-${n}/blobs/uploads/?${mounted}`));
    await until('manifest', (n) =>
      send('PUT', `manifests/new-${n}`, { body: Buffer.from(`{"schemaVersion":2,"manifests":[],"n":${n}}`) }),
    );
    await until('upload', () => send('POST', 'blobs/uploads/'));
    expect([...refused.keys()]).toEqual(['mount', 'manifest', 'upload']);
    expect((await send('GET', 'manifests/old')).body.equals(manifest)).toBe(true);
    const { tags } = JSON.parse((await send('GET', 'tags/list')).body.toString()) as { tags: string[] };
    for (const tag of tags) expect((await send('GET', `manifests/${tag}`)).status).toBe(200);
    expect(tags).not.toContain(`new-${refused.get('manifest')}`);
    expectFull(await send('PUT', `${upload}?digest=${digestOf('all of it')}`));
    expect((await send('HEAD', `blobs/${digestOf('all of it')}`)).status).toBe(404);
    await disk.free();
    const closed = await send('PUT', `${upload}?digest=${digestOf('all of it')}`);
    expect(closed.status, closed.body.toString()).toBe(201);
    expect((await send('PUT', 'manifests/new', { body: manifest })).status).toBe(201);
  });
});

/** A status that says whose trouble it is, with a remedy. */
function expectFull(answer: RegistryAnswer): void {
  expect(answer.status, answer.body.toString()).toBe(507);
  expect(answer.body.toString()).toContain('no space left on the disk');
  expect(answer.body.toString()).toContain('Free some space');
}

async function expectNothingLeft(server: RegistryServer): Promise<void> {
  expect(await readdir(server.folder.uploads).catch(() => [])).toEqual([]);
  expect(await readdir(join(server.folder.content, 'ingest')).catch(() => [])).toEqual([]);
}
