import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from '../main-job/traces.ts';
import { canMount, SmallDisk } from '../registry-full-disk/small-disk.ts';
import { BuildApi } from './api.ts';

const MB = 1 << 20;
const missing = await missingForBuilds();
const why = missing === '' && !(await canMount()) ? ': cannot mount' : missing;

describe.skipIf(why !== '')(`a build whose source fills the disk${why}`, () => {
  let disk: SmallDisk;
  let server: TestServer;
  beforeAll(async () => {
    disk = await SmallDisk.mount(160 * MB);
    await writeFile(disk.folder.config, 'builds:\n  drainSeconds: 0\n');
    server = await TestServer.start({ data: disk.folder.root });
  });
  afterAll(async () => {
    await server?.close();
    await disk?.unmount();
  });

  it('fails to fetch it in words, leaves nothing, and runs when the source fits', async () => {
    const api = new BuildApi(server, 'full');
    const source = async (name: string, size: string) => {
      const folder = join(server.folder, name);
      await mkdir(folder);
      await runOk('truncate', ['-s', size, join(folder, 'zeros')]);
      await runOk('tar', ['-C', folder, '-czf', `${folder}.tgz`, '.']);
      return api.upload(`${folder}.tgz`);
    };
    const steps = [{ name: 'gcr.io/cloud-builders/docker', args: ['version'] }];
    const id = await api.submit({ source: await source('large', '400M'), steps });
    const build = await api.ended(id);
    expect(build, await api.log(id)).toMatchObject({
      status: 'FAILURE',
      failureInfo: { type: 'FETCH_SOURCE_FAILED', detail: expect.stringMatching(/disk|space/) },
      steps: [{ status: 'QUEUED' }],
    });
    expect(await api.log(id)).toMatch(/\nFETCHSOURCE\n[\s\S]*\nERROR\nERROR: failed to fetch source/);
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);

    // in the same place lies one that fits
    await source('small', '10M');
    const again = await api.ended(await api.retry(id));
    expect(again.status, await api.log(again.id)).toBe('SUCCESS');
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
  });
});
