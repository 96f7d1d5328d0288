import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/images/manifest.ts';
import { runOk } from '../../src/lib/run.ts';
import { platformImage, writePlatformLayout } from './platform-image.ts';
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

  it('podman mounts what another repository has, and learns that an image was deleted', async () => {
    const [id = ''] = (await podman('images', '--quiet', '--no-trunc')).trim().split('\n');
    server.requests.length = 0;
    await podman('push', ...access(), id, `${server.host}/p/r/mounted:1`);
    expect(server.requests.filter((line) => /POST .*mount=.* 201$/.test(line)).length).toBeGreaterThan(0);
    const admin = await server.token({ role: 'admin', project: 'p' });
    const creds = ['--tls-verify=false', '--creds', `x:${admin}`];
    await runOk('skopeo', ['delete', ...creds, `docker://${server.host}/p/r/mounted:1`]);
    await expect(podman('pull', ...access(), `${server.host}/p/r/mounted:1`)).rejects.toThrow('manifest unknown');
  });

  it.each(['podman', 'buildah'])(
    '%s pulls a platform of an index, and pushes on the index with its attestations',
    async (name) => {
      const client = name === 'podman' ? podman : buildah;
      const multi = await platformImage(`for ${name}`);
      await writePlatformLayout(join(folder, name), multi);
      const source = `docker://${server.host}/p/r/${name}-multi:1`;
      const all = ['copy', '--all', '--preserve-digests', '--authfile', auth(), '--dest-tls-verify=false'];
      await runOk('skopeo', [...all, `oci:${join(folder, name)}:latest`, source]);
      await client('pull', ...access(), '--arch', 'arm64', source);
      const list = `localhost/${name}-list`;
      await client('manifest', 'create', list);
      await client('manifest', 'add', '--all', ...access(), list, source);
      await client('manifest', 'push', '--all', ...access(), list, `docker://${server.host}/p/r/${name}-pushed:1`);
      const key = `europe-central2/p/r/${name}-pushed`;
      const pushed = await server.store.manifest(key, '1');
      const index = parseManifest(await server.content.read(pushed?.digest ?? multi.index.descriptor.digest));
      const digests = index.kind === 'index' ? index.value.manifests.map(({ digest }) => digest) : [];
      expect(digests.sort()).toEqual(multi.manifests.map(({ descriptor }) => descriptor.digest).sort());
      for (const digest of digests) expect(await server.store.manifest(key, digest)).toBeDefined();
    },
  );

  it('buildah logs in, and is told when it may not', async () => {
    const authfile = join(folder, 'buildah.json');
    const flags = ['--authfile', authfile, '--tls-verify=false', '-u', 'anybody', '--password-stdin', server.host];
    const reader = await server.token({ role: 'reader', project: 'p' });
    await expect(runOk('buildah', [...store, 'login', ...flags], { input: 'slw_wrong' })).rejects.toThrow();
    await runOk('buildah', [...store, 'login', ...flags], { input: reader });
    const reads = ['--authfile', authfile, '--tls-verify=false'];
    await buildah('pull', ...reads, `${server.host}/p/r/api:1`);
    const refused = buildah('push', ...reads, `${server.host}/p/r/api:1`, `docker://${server.host}/p/r/refused:1`);
    await expect(refused).rejects.toThrow(/denied|is no writer/);
  });
});
