import { chmod, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlobFiles } from '../../../src/adapters/disk/blob-files.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { log } from '../../../src/lib/log.ts';
import { callRegistry, type Sending } from '../../wire/registry-call.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';

const REPOSITORY = '/v2/p/images/app';

describe('damaged files of a registry', () => {
  let server: RegistryServer;
  let secret: string;
  let errors: unknown[];
  beforeEach(async () => {
    errors = [];
    vi.spyOn(log, 'error').mockImplementation((...words: unknown[]) => void errors.push(words));
    server = await startRegistryServer();
    secret = await server.token({ role: 'admin', project: 'p' });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await server.close();
  });

  const send = (method: string, path: string, sending: Sending = {}) =>
    callRegistry(server.host, method, `${REPOSITORY}/${path}`, { secret, ...sending });
  const push = async (bytes: Buffer): Promise<Digest> => {
    const digest = digestOf(bytes);
    expect((await send('POST', `blobs/uploads/?digest=${digest}`, { body: bytes })).status).toBe(201);
    return digest;
  };
  const fileOf = async (digest: Digest) => {
    const path = new BlobFiles(server.folder.content).path(digest);
    await chmod(path, 0o600);
    return path;
  };
  const layer = Buffer.alloc(100_000, 'layer ');
  const manifest = Buffer.from('{"schemaVersion":2,"manifests":[]}');

  it.each([
    ['cut short', (path: string) => truncate(path, 5000)],
    ['emptied', (path: string) => truncate(path, 0)],
    ['grown', (path: string) => truncate(path, 200_000)],
    ['removed', (path: string) => rm(path)],
  ])('a blob that was %s counts as absent, and the next push of it mends it', async (_, damage) => {
    const digest = await push(layer);
    await damage(await fileOf(digest));
    for (const method of ['HEAD', 'GET']) {
      const answer = await send(method, `blobs/${digest}`, { headers: { Range: 'bytes=0-9' } });
      expect(answer.status).toBe(404);
    }
    expect(JSON.stringify(errors)).toContain(digest);
    const mount = await send('POST', `blobs/uploads/?mount=${digest}&from=p/images/app`);
    expect(mount.status).toBe(202);
    await push(layer);
    expect((await send('GET', `blobs/${digest}`)).body.equals(layer)).toBe(true);
  });

  it('an answer that is under way when its file is cut ends with its connection, not as if it were whole', async () => {
    const large = Buffer.alloc(64 << 20, 'large ');
    const digest = await push(large);
    const path = await fileOf(digest);
    const ended = await new Promise<string>((resolve, reject) => {
      const asked = request(`${server.url}${REPOSITORY}/blobs/${digest}`, { auth: `anybody:${secret}` }, (answer) => {
        answer.pause();
        void truncate(path, 1 << 20).then(() => answer.resume());
        answer.on('data', () => undefined);
        answer.once('end', () => resolve('whole'));
        answer.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
      asked.once('error', reject);
      asked.end();
    });
    expect(ended).toBe('ECONNRESET');
    expect((await send('HEAD', `blobs/${digest}`)).status).toBe(404);
  });

  it('a manifest with other bytes under its name is never served, and comes back with the next push', async () => {
    expect((await send('PUT', 'manifests/v1', { body: manifest })).status).toBe(201);
    const digest = digestOf(manifest);
    await writeFile(await fileOf(digest), manifest.toString().replace('2', '3'));
    await restart();
    for (const reference of ['v1', digest]) expect((await send('GET', `manifests/${reference}`)).status).toBe(404);
    expect(JSON.stringify(errors)).toContain(digest);
    expect((await send('PUT', 'manifests/v1', { body: manifest })).status).toBe(201);
    await restart();
    expect((await send('GET', 'manifests/v1')).body.equals(manifest)).toBe(true);
  });

  it('a file that a crash left without its record is taken back if it is whole, and else replaced', async () => {
    const whole = Buffer.from('whole, but without a row');
    const broken = Buffer.from('neither');
    for (const bytes of [whole, broken]) {
      const digest = await push(bytes);
      await server.blobs.remove([digest], Date.now() + 1e10, async () => undefined);
    }
    await writeFile(await fileOf(digestOf(broken)), 'NEITHER');
    expect((await send('GET', `blobs/${digestOf(whole)}`)).body.equals(whole)).toBe(true);
    expect((await send('GET', `blobs/${digestOf(broken)}`)).status).toBe(404);
    await push(broken);
    expect((await send('GET', `blobs/${digestOf(broken)}`)).body.equals(broken)).toBe(true);
  });

  /** Another server over the same folder, which remembers no manifest. */
  async function restart(): Promise<void> {
    const { folder } = server;
    const next = await startRegistryServer({ folder });
    const first = server;
    server = {
      ...next,
      close: async () => {
        await next.close();
        await first.close();
      },
    };
    secret = await server.token({ role: 'admin', project: 'p' });
  }
});
