import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../wire/server.ts';

const CACHE = 'demo/r/app/cache:main';

/** `docker build` of a step hands its cache on: through a registry to another machine, and through a folder of the workspace. */
describe('a cache that a build step writes', () => {
  let far: TestServer;
  let near: TestServer;
  beforeAll(async () => {
    far = await TestServer.start();
    const passwordFile = join(far.folder, 'token');
    await writeFile(passwordFile, await far.token(), { mode: 0o600 });
    near = await TestServer.start({
      config: `registries:\n  plainHttp: ["${far.host}"]\n  credentials:\n    "${far.host}": { username: token, passwordFile: ${passwordFile} }\n`,
    });
  });
  afterAll(async () => {
    await near?.close();
    await far?.close();
  });

  const submit = async (server: TestServer, ...builds: string[][]) => {
    const steps = builds.map((args) => ({ name: 'gcr.io/cloud-builders/docker', args: ['build', ...args, '.'] }));
    const source = await server.source(`source-${builds.flat().join('-').replaceAll(/\W/g, '')}`, {
      'cloudbuild.yaml': JSON.stringify({ steps }),
      '.dockerignore': '*\n!a\n!b\n',
      Dockerfile: 'FROM scratch AS made\nCOPY a /a\nCOPY b /b\nFROM scratch\nCOPY --from=made /a /c\n',
      'other.Dockerfile': 'FROM scratch\nCOPY b /other\n',
      a: 'one',
      b: 'two',
    });
    const { build, log } = await server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    return { cached: log.match(/CACHED/g)?.length ?? 0, log };
  };

  it('serves a server that has never built the file', async () => {
    const google = `europe-central2-docker.pkg.dev/${CACHE}`;
    const { cached } = await submit(far, ['--cache-to', `type=registry,ref=${google},mode=max`]);
    expect(cached).toBe(0);
    const there = await submit(near, ['--cache-from', `type=registry,ref=${far.host}/${CACHE}`]);
    expect(there).toMatchObject({ cached: 3 });
  });

  it('goes through a folder of the workspace, which the next step reads', async () => {
    const { log } = await submit(
      far,
      ['--no-cache', '--cache-to', 'type=local,dest=caches/app,mode=max'],
      ['--file', 'other.Dockerfile', '--cache-from', 'type=local,src=/workspace/caches/app'],
    );
    expect(log).toMatch(/exporting cache to caches\/app\n.*writing 4 steps, 3 layers done/);
    // it is read when there is something that this server has not built
    expect(log).toMatch(/importing cache manifest from \/workspace\/caches\/app\n.*DONE/);
  });
});
