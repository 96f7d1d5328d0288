import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { missingPrograms, writeLayoutImage } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

const missing = await missingPrograms('podman', 'buildah', 'skopeo');

describe.skipIf(missing.length > 0)(`podman and buildah${missing.map((name) => `: no ${name}`).join('')}`, () => {
  let folder: string;
  let server: RegistryServer;
  let store: string[];
  const podman = async (...args: string[]) => (await runOk('podman', [...store, ...args])).stdout;
  const buildah = async (...args: string[]) => (await runOk('buildah', [...store, ...args])).stdout.trim();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-podman-'));
    store = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    server = await startRegistryServer();
    const image = await writeLayoutImage(join(folder, 'image'), 'hello from podman\n');
    const archive = join(folder, 'image.tar');
    await runOk('skopeo', ['copy', `oci:${image.layout}:latest`, `docker-archive:${archive}:localhost/api:local`]);
    await podman('load', '-i', archive);
    const secret = await server.token({ role: 'writer', project: 'p' });
    await runOk(
      'podman',
      [
        ...store,
        'login',
        '--authfile',
        auth(),
        '--tls-verify=false',
        '-u',
        'oauth2accesstoken',
        '--password-stdin',
        server.host,
      ],
      { input: secret },
    );
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const auth = () => join(folder, 'auth.json');
  const access = () => ['--authfile', auth(), '--tls-verify=false'];

  it('podman pushes, and pulls by tag and by digest', async () => {
    const name = `${server.host}/p/r/api`;
    const id = (await podman('images', '--quiet', '--no-trunc')).trim();
    await podman('push', ...access(), id, `${name}:1`);
    await podman('rmi', '--all', '--force');
    await podman('pull', ...access(), `${name}:1`);
    const { digest } = (await server.store.manifest('europe-central2/p/r/api', '1')) ?? {};
    await podman('rmi', '--all', '--force');
    await podman('pull', ...access(), `${name}@${digest}`);
    expect((await podman('images', '--quiet', '--no-trunc')).trim()).toBe(id);
  });

  it('buildah builds on a pulled image and pushes the result', async () => {
    const base = `${server.host}/p/r/base:1`;
    const result = `${server.host}/p/r/derived:1`;
    await podman('push', ...access(), (await podman('images', '--quiet')).trim(), base);
    const container = await buildah('from', ...access(), base);
    const file = join(folder, 'added');
    await writeFile(file, 'added\n');
    await buildah('copy', container, file, '/added');
    await buildah('commit', '--rm', container, result);
    await buildah('push', ...access(), result);
    const tags = JSON.parse(
      (await runOk('skopeo', ['list-tags', ...access(), `docker://${server.host}/p/r/derived`])).stdout,
    );
    expect(tags.Tags).toEqual(['1']);
  });
});
