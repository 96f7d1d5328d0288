import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/lib/run.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../server.ts';
import { type DockerSetUp, setUps } from './docker-clients.ts';

const lacks = `${await missingForBuilds()}${setUps.length === 0 ? ': no docker' : ''}`;
const SAY = 'ls -d /one /two 2>/dev/null | tr "\\n" " "';

/** Where docker itself only says <missing>: the image as it was after any layer, whoever built it. */
describe.skipIf(lacks !== '')(`layers that are entered${lacks}`, () => {
  let server: TestServer;
  let upstream: string;
  let context: string;
  const docker = async (setUp: DockerSetUp, ...args: string[]) => {
    const env = {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
      DOCKER_CONFIG: server.folder,
      DOCKER_BUILDKIT: setUp.builder,
    };
    const { code, stdout, stderr } = await run(setUp.client.path, args, { env, timeout: 120_000 });
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  const layersOf = async (setUp: DockerSetUp, image: string) =>
    JSON.parse(await docker(setUp, 'image', 'inspect', '--format', '{{json .RootFS.Layers}}', image)) as string[];

  beforeAll(async () => {
    const config = await mirrorConfig();
    upstream = /http:\/\/[\d.:]+/.exec(config)?.[0] ?? '';
    server = await TestServer.start({ config });
    context = join(server.folder, 'context');
    await mkdir(context);
    await writeFile(join(context, 'two'), '2\n');
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM busybox\nRUN echo 1 > /one\nCOPY two /two\nENV A=b\nRUN rm /one && echo $A > /three\n',
    );
  });
  afterAll(() => server?.close());

  it.each(setUps)('of an image that was built here: $name', async (setUp) => {
    const image = `entered-${setUp.builder}:1`;
    await docker(setUp, 'build', '--tag', image, context);
    const layers = await layersOf(setUp, image);
    expect(layers).toHaveLength(4);
    const seen: string[] = [];
    // by the whole id, and as people take them out of a list
    for (const [i, layer] of layers.entries()) {
      const name = i % 2 === 0 ? layer : layer.replace('sha256:', '').slice(0, 12);
      seen.push((await docker(setUp, 'run', '--rm', '--network=none', name, 'sh', '-c', SAY)).trim());
    }
    expect(seen).toEqual(['', '/one', '/one /two', '/two']);
    expect(await docker(setUp, 'run', '--rm', '--network=none', layers[3] ?? '', 'sh', '-c', 'echo $A')).toBe('b');
    // the settings are those of that moment as well
    expect(await docker(setUp, 'run', '--rm', '--network=none', layers[1] ?? '', 'sh', '-c', 'echo .$A')).toBe('.');
  });

  it('of an image from elsewhere, by the digests that its registry has', async () => {
    const [setUp] = setUps as [DockerSetUp, ...DockerSetUp[]];
    await docker(setUp, 'pull', 'python:3.11-slim');
    const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
    const get = async (reference: string) =>
      (await (await fetch(`${upstream}/v2/library/python/manifests/${reference}`, { headers: { accept } })).json()) as {
        manifests?: { digest: string; platform?: { architecture: string } }[];
        layers?: { digest: string }[];
      };
    const found = await get('3.11-slim');
    const { layers = [] } = found.layers === undefined ? await get(found.manifests?.[0]?.digest ?? '') : found;
    const test = ['sh', '-c', 'test -e /usr/bin/python3.11 && echo python || echo none'];
    const seen: string[] = [];
    for (const { digest } of layers) seen.push(await docker(setUp, 'run', '--rm', '--network=none', digest, ...test));
    expect(seen).toEqual(['none', 'none', 'python', 'python']);
    const ids = await layersOf(setUp, 'python:3.11-slim');
    expect(await docker(setUp, 'run', '--rm', '--network=none', ids[1] ?? '', ...test)).toBe('none');
  });
});
