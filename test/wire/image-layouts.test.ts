import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobPath, REF_NAME } from '../../src/images/image-layout.ts';
import { createRegistryClient, type RegistryClient } from '../../src/images/remote/client.ts';
import { replaceFile } from '../../src/lib/replace-file.ts';
import { runOk } from '../../src/lib/run.ts';
import { OWN, openTestEngine, type TestEngine } from '../cases/image-build/test-engine.ts';
import { type DebianRegistry, startDebianRegistry } from './debian-registry.ts';
import { type PlatformImage, platformImage, pushPlatformImage } from './platform-image.ts';
import { missingPrograms } from './registry-image.ts';

const missing = await missingPrograms('docker-registry', 'skopeo');

/** Image layouts as folders, written by us and read by skopeo, and the other way round. */
describe.skipIf(missing.length > 0)(`image layouts${missing.map((name) => `: no ${name}`).join('')}`, () => {
  let registry: DebianRegistry;
  let client: RegistryClient;
  let test: TestEngine;
  let image: PlatformImage;
  let other: PlatformImage;
  let folder: string;
  const at = (name: string) => join(folder, name);
  const theirs = (name: string) => `${registry.host}/${name}`;
  const skopeo = async (...args: string[]) => (await runOk('skopeo', ['--insecure-policy', ...args])).stdout;
  const entries = async (layout: string): Promise<{ digest: string; annotations?: Record<string, string> }[]> =>
    JSON.parse(await readFile(join(at(layout), 'index.json'), 'utf8')).manifests;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-layouts-'));
    registry = await startDebianRegistry();
    client = createRegistryClient({}, { retryDelay: 5 });
    test = await openTestEngine();
    [image, other] = [await platformImage('in a folder'), await platformImage('beside it')];
    await pushPlatformImage(client, registry.host, 'lab/app', '1', image);
    await pushPlatformImage(client, registry.host, 'lab/other', '1', other);
    for (const name of ['lab/app:1', 'lab/other:1']) await test.engine.pull(theirs(name), test.caller());
  });
  afterAll(async () => {
    client.close();
    await Promise.all([test.close(), registry.stop()]);
    await rm(folder, { recursive: true });
  });

  it('are written with all platforms and referrers, and read by skopeo by their tags', async () => {
    await test.engine.saveFolder([theirs('lab/app:1')], at('one'), test.caller());
    await skopeo('copy', '--all', '--preserve-digests', `oci:${at('one')}:1`, `dir:${at('dir')}`);
    expect(JSON.parse(await readFile(at('dir/manifest.json'), 'utf8'))).toEqual(
      JSON.parse(image.index.bytes.toString('utf8')),
    );
    const names = (await entries('one')).map(({ annotations }) => annotations?.[REF_NAME]);
    const fallback = [image.index, image.referrers[0]].map((one) => one?.descriptor.digest.replace(':', '-'));
    expect(names).toEqual(['1', ...fallback, image.signature.tag]);
    await skopeo('copy', `oci:${at('one')}:${image.signature.tag}`, `dir:${at('signature')}`);
  });

  it('take several images, later ones as well, each under a name of its own', async () => {
    await test.engine.saveFolder([theirs('lab/app:1'), theirs('lab/other:1')], at('two'), test.caller());
    const whole = await skopeo('inspect', '--raw', `oci:${at('two')}:${theirs('lab/other:1')}`);
    expect(whole).toBe(other.index.bytes.toString('utf8'));
    await test.engine.tag(theirs('lab/app:1'), 'later:2', test.caller());
    await test.engine.saveFolder(['later:2'], at('two'), test.caller());
    expect(await skopeo('inspect', '--raw', `oci:${at('two')}:2`)).toBe(image.index.bytes.toString('utf8'));
    expect(await skopeo('inspect', '--raw', `oci:${at('two')}:${theirs('lab/app:1')}`)).toContain('"manifests"');
    const names = (await entries('two')).map(({ annotations }) => annotations?.[REF_NAME]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('hold one platform of a whole index when that is asked for, and no referrers when told so', async () => {
    const options = { platforms: [{ os: 'linux', architecture: 'amd64' }], referrers: false };
    await test.engine.saveFolder([theirs('lab/app:1')], at('sparse'), test.caller(), options);
    expect(await entries('sparse')).toMatchObject([{ digest: image.index.descriptor.digest }]);
    const there = image.manifests.map(({ descriptor }) => existsSync(join(at('sparse'), blobPath(descriptor.digest))));
    expect(there).toEqual([true, true, false, false]);
    await skopeo('copy', '--override-arch=amd64', `oci:${at('sparse')}:1`, `dir:${at('sparse-dir')}`);
  });

  it.each(['folder', 'archive'])(
    'bring an image and what refers to it to where there is no network, by %s',
    async (kind) => {
      const engine = await openTestEngine();
      try {
        const names = [theirs('lab/app:1')];
        if (kind === 'folder') {
          await test.engine.saveFolder(names, at('carried'), test.caller());
          await engine.engine.loadFolder(at('carried'), engine.caller(), `${OWN}/carried:1`);
        } else {
          await test.engine.save(names, 'oci', (bytes) => replaceFile(at('carried.tar'), bytes), test.caller());
          const bytes = await readFile(at('carried.tar'));
          const chunks = async function* () {
            yield bytes;
          };
          await engine.engine.load(chunks(), engine.caller(), `${OWN}/carried:1`);
        }
        const loaded = await engine.engine.images(engine.caller());
        expect(loaded.map(({ name }) => name).sort()).toEqual([theirs('lab/app:1'), `${OWN}/carried:1`].sort());
        const pushed = await engine.engine.push(`${OWN}/carried:1`, engine.caller());
        expect(pushed.digest).toBe(image.index.descriptor.digest);
        const key = 'europe-central2/test/repo/carried';
        const { registry: ours } = engine.deps;
        const [sbom, signed] = image.referrers.map(({ descriptor }) => descriptor.digest);
        expect(await ours.referrers(key, image.index.descriptor.digest)).toMatchObject([{ digest: sbom }]);
        expect(sbom && (await ours.referrers(key, sbom))).toMatchObject([{ digest: signed }]);
        expect((await ours.manifest(key, image.signature.tag))?.digest).toBe(image.signature.descriptor.digest);
        await engine.engine.remove(theirs('lab/app:1'), engine.caller());
        await engine.engine.remove(`${OWN}/carried:1`, engine.caller());
        expect(await engine.deps.names.list('owner/referrers')).toEqual([]);
      } finally {
        await engine.close();
      }
    },
  );

  it('of skopeo are read: all platforms, under the name that is given', async () => {
    const source = `docker://${theirs('lab/app:1')}`;
    await skopeo('copy', '--all', '--src-tls-verify=false', source, `oci:${at('by-skopeo')}:1`);
    const engine = await openTestEngine();
    try {
      const [loaded] = await engine.engine.loadFolder(at('by-skopeo'), engine.caller(), 'named:1');
      expect(loaded?.image.target.digest).toBe(image.index.descriptor.digest);
      expect(loaded?.names).toEqual(['docker.io/library/named:1']);
    } finally {
      await engine.close();
    }
  });

  it('are refused when a blob is another one, when there is none, and where something else lies', async () => {
    await test.engine.saveFolder([theirs('lab/app:1')], at('damaged'), test.caller());
    const [layer] = (await readdir(at('damaged/blobs/sha256'))).filter((hex) =>
      image.blobs.some(({ descriptor }) => descriptor.digest.endsWith(hex)),
    );
    await writeFile(join(at('damaged/blobs/sha256'), layer ?? ''), 'other bytes');
    const engine = await openTestEngine();
    try {
      const load = (name: string) => engine.engine.loadFolder(at(name), engine.caller());
      await expect(load('damaged')).rejects.toMatchObject({ code: 'invalid' });
      await expect(load('nowhere')).rejects.toMatchObject({ code: 'not-found' });
      expect(await engine.engine.images(engine.caller())).toEqual([]);
    } finally {
      await engine.close();
    }
    await mkdir(at('home'));
    await writeFile(at('home/letter'), 'dear');
    const save = test.engine.saveFolder([theirs('lab/app:1')], at('home'), test.caller());
    await expect(save).rejects.toThrow('holds something else than images');
    expect(await readdir(at('home'))).toEqual(['letter']);
  });
});
