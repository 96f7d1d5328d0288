import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from '../main-job/traces.ts';
import { BuildApi } from './api.ts';
import { HeldRegistry } from './held-registry.ts';

const why = await missingForBuilds();

describe.skipIf(why !== '')(`a build whose registry goes away while it pushes${why}`, () => {
  let server: TestServer;
  let registry: HeldRegistry;
  beforeAll(async () => {
    registry = await HeldRegistry.start();
    server = await TestServer.start({
      config: `registries:\n  mirrors:\n    docker.io: ["http://${registry.host}"]\nbuilds:\n  drainSeconds: 0\n`,
    });
  });
  afterAll(async () => {
    await server?.close();
    await registry?.stop();
  });

  it('fails with what could not be pushed, leaves nothing, and pushes when it is tried again', async () => {
    const api = new BuildApi(server, 'cut');
    const folder = join(server.folder, 'source');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), 'FROM busybox\nCOPY . /src\n');
    await runOk('tar', ['-C', folder, '-czf', `${folder}.tgz`, '.']);
    const image = `${registry.host}/cut/pushed:1`;
    registry.uploads = 'cuts';
    const id = await api.submit({
      source: await api.upload(`${folder}.tgz`),
      steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['build', '-t', image, '.'] }],
      images: [image],
    });
    const build = await api.ended(id);
    expect(build, await api.log(id)).toMatchObject({
      status: 'FAILURE',
      failureInfo: { type: 'PUSH_FAILED', detail: expect.stringContaining(image) },
      steps: [{ status: 'SUCCESS' }],
    });
    expect(build.results?.images ?? []).toEqual([]);
    expect(await api.log(id)).toMatch(/\nPUSH\nPushing .*[\s\S]*\nERROR\nERROR: /);
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);

    registry.release();
    const again = await api.ended(await api.retry(id));
    expect(again, await api.log(again.id)).toMatchObject({ status: 'SUCCESS', results: { images: [{ name: image }] } });
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
  });
});
