import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTar } from '../../../src/images/tar/read.ts';
import { runOk } from '../../../src/lib/run.ts';
import { type DockerDaemon, hasDocker, startDocker } from '../../peers/docker-daemon.ts';
import { missingPrograms } from '../registry-image.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../server.ts';
import { dockerClients } from './docker-clients.ts';

const [client] = dockerClients;
const missing = await missingPrograms('skopeo', 'podman', 'buildah');
const lacks = `${await missingForBuilds()}${client === undefined ? ': no docker' : ''}${missing.map((name) => `: no ${name}`).join('')}`;

/** Images as files: what `docker save` takes out of our door, others read, and what others wrote, `docker load` brings in. */
describe.skipIf(lacks !== '')(`archives of docker's clients${lacks}`, () => {
  let server: TestServer;
  let env: NodeJS.ProcessEnv;
  let saved: string;
  let layers: string[];
  let upstream: string;
  const at = (name: string) => join(server.folder, name);
  const docker = async (...args: string[]) =>
    (await runOk(client?.path ?? '', args, { env, timeout: 120_000 })).stdout.trim();
  const run = (image: string) =>
    docker('run', '--rm', '--network', 'none', image, 'sh', '-c', 'cat /etc/made; echo ran');

  beforeAll(async () => {
    const config = await mirrorConfig();
    upstream = /http:\/\/([\d.:]+)/.exec(config)?.[1] ?? '';
    server = await TestServer.start({ config });
    env = {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
      DOCKER_CONFIG: at('docker-config'),
      DOCKER_BUILDKIT: '0',
    };
    await mkdir(at('context'));
    await writeFile(at('context/made'), 'made\n');
    await writeFile(at('context/Dockerfile'), 'FROM busybox\nCOPY made /etc/made\nRUN echo more > /more\nENV A=b\n');
    await docker('build', '--tag', 'made:1', '--tag', 'made:2', at('context'));
    saved = at('saved.tar');
    await docker('save', '--output', saved, 'made:1', 'made:2');
    layers = JSON.parse(await docker('image', 'inspect', '--format', '{{json .RootFS.Layers}}', 'made:1')) as string[];
    expect(layers).toHaveLength(3);
  });
  afterAll(() => server?.close());

  it.each(['docker-archive', 'oci-archive'])('are read by skopeo as %s', async (transport) => {
    const config = await runOk('skopeo', ['inspect', '--config', `${transport}:${saved}:made:1`]).catch(() =>
      runOk('skopeo', ['inspect', '--config', `${transport}:${saved}:1`]),
    );
    expect((JSON.parse(config.stdout) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids).toEqual(layers);
    const layout = at(`layout-${transport}`);
    await runOk('skopeo', ['copy', `docker-archive:${saved}:made:2`, `oci:${layout}:1`]);
    const copied = JSON.parse((await runOk('skopeo', ['inspect', '--config', `oci:${layout}:1`])).stdout);
    expect(copied.rootfs.diff_ids).toEqual(layers);
  });

  it("hold what dive looks for: a manifest, and whatever it names, under the manifest's names", async () => {
    const tars = new Set<string>();
    const texts = new Map<string, string>();
    for await (const { header, body } of readTar(createReadStream(saved))) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      // dive takes a name's end for what it is, and looks into blobs whose names tell nothing: tar, gzip, else JSON
      const tar = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      const isTar = header.type === 'symlink' || tar.subarray(257, 262).toString('latin1') === 'ustar';
      if (header.name.endsWith('.tar') || (header.name.startsWith('blobs/') && isTar)) tars.add(header.name);
      else if (header.name.endsWith('.json') || header.name.startsWith('blobs/'))
        texts.set(header.name, bytes.toString('utf8'));
    }
    const [image] = JSON.parse(texts.get('manifest.json') ?? '[]') as {
      Config: string;
      RepoTags: string[];
      Layers: string[];
    }[];
    expect(image?.RepoTags.toSorted()).toEqual(['made:1', 'made:2']);
    expect(image?.Layers.filter((name) => !tars.has(name))).toEqual([]);
    const config = JSON.parse(texts.get(image?.Config ?? '') ?? '{}') as { history: { empty_layer?: boolean }[] };
    expect(config.history.filter(({ empty_layer }) => empty_layer !== true)).toHaveLength(image?.Layers.length ?? 0);
    const index = JSON.parse(texts.get('index.json') ?? '{}') as { manifests: { digest: string }[] };
    for (const { digest } of index.manifests) expect(texts.has(`blobs/${digest.replace(':', '/')}`)).toBe(true);
  });

  it('come back by docker load, under their names, with their ids', async () => {
    const id = await docker('image', 'inspect', '--format', '{{.Id}}', 'made:1');
    await docker('image', 'rm', 'made:1', 'made:2');
    expect((await docker('load', '--input', saved)).split('\n').toSorted()).toEqual([
      'Loaded image: made:1',
      'Loaded image: made:2',
    ]);
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', 'made:2')).toBe(id);
    expect(await run('made:1')).toBe('made\nran');
  });

  const store = () => ['--root', at('root'), '--runroot', at('run'), '--storage-driver', 'vfs'];

  it.each(['docker-archive', 'oci-archive'])('of podman are loaded: %s', async (format) => {
    await runOk('podman', [...store(), 'load', '--quiet', '--input', saved]);
    const file = at(`podman-${format}.tar`);
    await runOk('podman', [...store(), 'tag', 'made:1', 'podman/made:1']);
    await runOk('podman', [...store(), 'save', '--quiet', '--format', format, '--output', file, 'podman/made:1']);
    expect(await docker('load', '--input', file)).toMatch(/^Loaded image: .*podman\/made:1$/);
    expect(await run('localhost/podman/made:1')).toBe('made\nran');
    await docker('image', 'rm', 'localhost/podman/made:1');
  });

  it.each(['docker-archive', 'oci-archive'])('of buildah are loaded: %s', async (format) => {
    const from = `docker://${upstream}/library/busybox:latest`;
    const name = (await runOk('buildah', [...store(), 'from', '--tls-verify=false', from])).stdout.trim();
    await runOk('buildah', [...store(), 'copy', name, at('context/made'), '/etc/made']);
    const file = at(`buildah-${format}.tar`);
    await runOk('buildah', [
      ...store(),
      'commit',
      '--quiet',
      '--rm',
      name,
      `${format}:${file}:localhost/buildah/made:1`,
    ]);
    expect(await docker('load', '--input', file)).toMatch(/^Loaded image: .*buildah\/made:1$/);
    expect(await run('localhost/buildah/made:1')).toBe('made\nran');
    await docker('image', 'rm', 'localhost/buildah/made:1');
  });

  describe.skipIf(!hasDocker)('and of dockerd', () => {
    let dockerd: DockerDaemon;
    beforeAll(async () => {
      dockerd = await startDocker();
    });
    afterAll(() => dockerd?.stop());

    it('are loaded by each other, and run', async () => {
      expect((await dockerd.docker(['load', '--input', saved])).stderr).toBe('');
      const said = await dockerd.docker(['run', '--rm', '--network=none', 'made:1', 'cat', '/etc/made', '/more']);
      expect(said.stdout).toBe('made\nmore\n');
      await dockerd.docker(['tag', 'made:1', 'theirs:1']);
      await dockerd.docker(['save', '--output', at('theirs.tar'), 'theirs:1']);
      expect(await docker('load', '--input', at('theirs.tar'))).toBe('Loaded image: theirs:1');
      expect(await run('theirs:1')).toBe('made\nran');
    });
  });
});
