import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const IMAGE = 'europe-central2-docker.pkg.dev/demo/swapped/context';
const ROUNDS = 6;
const why = await missingForBuilds();

describe.skipIf(why !== '')(`a step that swaps links while native steps read and write beside it${why}`, () => {
  let server: TestServer;
  /** On this machine, outside of every workspace. */
  let outside: string;
  const secret = `SECRET-${randomBytes(12).toString('hex')}`;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    outside = join(server.folder, 'outside');
    await mkdir(join(outside, 'folder'), { recursive: true });
    await writeFile(join(outside, 'model.json'), secret);
    await writeFile(join(outside, 'folder', 'part.json'), secret);
  });
  afterAll(() => server?.close());

  it('never makes them touch the machine', async () => {
    const created = await fetch(`${server.url}/storage/v1/b?project=demo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'swapped' }),
    });
    expect(created.ok).toBe(true);
    const up = (path: string) => `/${'../'.repeat(12)}${path}`.slice(1);
    // files and folders turn into links out of the workspace and back, as fast as a shell can do it; model.json is always there
    const swap = `
cd /workspace
link() { ln -s $1 new-$2 && mv -f new-$2 $2; }
touch begun
while [ ! -e stop ]; do
  for to in ${outside} ${up(outside)} /proc/1/root${outside}; do
    link $to/model.json model.json
    echo inside > new-model && mv -f new-model model.json
    link $to/folder folder
    rm folder; mkdir folder; echo inside > folder/part.json; rm -r folder
    link $to target
    rm target; mkdir target; rm -rf target
  done
  link /etc/passwd model.json
done`;
    const rounds = (line: (round: number) => string) =>
      Array.from({ length: ROUNDS }, (_, round) => line(round)).join('\n');
    const native = (args: string, after: string) =>
      `- { name: gcr.io/cloud-builders/${args}, waitFor: [${after}], allowFailure: true`;
    const chained = (prefix: string, round: number) => (round === 0 ? 'begun' : `${prefix}${round - 1}`);
    const folder = await server.source('swap', {
      swap,
      // what the links mean below the root of the workspace: so they are never dangling, and reading them is no mistake
      [`${outside}/model.json`]: 'inside\n',
      [`${outside}/folder/part.json`]: 'inside\n',
      'etc/passwd': 'inside\n',
      given: 'from the bucket',
      '.dockerignore': 'swap\n',
      Dockerfile: 'FROM scratch\nCOPY . /all\n',
      'Dockerfile.model': 'FROM scratch\nCOPY model.json /model/\nCOPY folder /folder/\n',
      'cloudbuild.yaml': `
steps:
- { id: swap, name: busybox, args: [sh, /workspace/swap], waitFor: ['-'] }
- { id: begun, name: busybox, args: [sh, -c, 'until [ -e /workspace/begun ]; do sleep 0.1; done'], waitFor: ['-'] }
${rounds((i) => `${native(`gsutil, id: up${i}, args: [cp, ${'model.json, '.repeat(20)}'gs://swapped/${i}/']`, chained('up', i))} }`)}
${rounds((i) => `${native(`gsutil, id: sync${i}, args: [rsync, -r, folder, 'gs://swapped/folder-${i}']`, chained('sync', i))} }`)}
${rounds((i) => `${native(`gsutil, id: down${i}, args: [cp, 'gs://swapped/given', target/given]`, chained('down', i))} }`)}
${rounds((i) => `${native(`docker, id: image${i}, args: [build, '--tag=${IMAGE}:${i}', .]`, chained('image', i))} }`)}
${rounds((i) => `${native(`docker, id: model${i}, args: [build, --file=Dockerfile.model, '--tag=${IMAGE}:m${i}', .]`, chained('model', i))} }`)}
- { name: busybox, args: [touch, /workspace/stop], waitFor: [up${ROUNDS - 1}, sync${ROUNDS - 1}, down${ROUNDS - 1}, image${ROUNDS - 1}, model${ROUNDS - 1}] }
- { name: gcr.io/cloud-builders/docker, args: [push, --all-tags, '${IMAGE}'], allowFailure: true }
`,
    });
    await server.clientOk('curl', [
      ...['-sSf', '-H', `Authorization: Bearer ${await server.token()}`, '--data-binary', `@${folder}/given`],
      `${server.url}/upload/storage/v1/b/swapped/o?uploadType=media&name=given`,
    ]);
    const { build, log } = await server.submit(folder, '--config', join(folder, 'cloudbuild.yaml'));

    const blobs = await storedBlobs(join(server.data, 'content/sha256'));
    expect(blobs.length).toBeGreaterThan(5);
    const host = (await readFile('/etc/passwd', 'utf8')).trim();
    for (const blob of blobs) {
      expect(blob.includes(secret)).toBe(false);
      expect(blob.includes(host)).toBe(false);
    }
    expect(build.status, log).toBe('SUCCESS');
    const { items = [] } = (await server.get('/storage/v1/b/swapped/o')) as { items?: { name: string }[] };
    expect(items.length).toBeGreaterThan(1);
    expect(blobs.some((blob) => blob.includes('inside\n'))).toBe(true);
    expect((await readdir(outside)).sort()).toEqual(['folder', 'model.json']);
    expect(await readdir(join(outside, 'folder'))).toEqual(['part.json']);
    expect(await readFile(join(outside, 'model.json'), 'utf8')).toBe(secret);
  });
});

/** All that the server has stored, objects and layers, unpacked where it is packed. */
async function storedBlobs(folder: string): Promise<Buffer[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    names
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const bytes = await readFile(join(entry.parentPath, entry.name));
        return bytes[0] === 0x1f && bytes[1] === 0x8b ? promisify(gunzip)(bytes) : bytes;
      }),
  );
}
