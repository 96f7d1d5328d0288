import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/images/descriptor.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { hasBusybox, putBusybox, putImage, putIndex } from '../image-build/busybox-base.ts';
import { OWN, openTestEngine, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { type ForeignRegistry, openForeignRegistry } from './foreign-registry.ts';

/** What somebody gets who runs a registry of his own and knows digests of a private image that lies on this server. */
describe.skipIf(!hasBusybox)('digests of an image of another project', () => {
  let test: TestEngine;
  let stolen: Descriptor;
  let config: Descriptor;
  let layer: Descriptor;
  let server: ForeignRegistry;
  let host: string;
  let folder: string;

  beforeAll(async () => {
    test = await openTestEngine();
    stolen = await putBusybox(test.deps, 'private:1');
    const manifest = JSON.parse((await test.deps.content.read(stolen.digest)).toString());
    config = manifest.config;
    layer = manifest.layers[0];
    server = await openForeignRegistry();
    host = server.host;
  });
  afterAll(async () => {
    await server.close();
    await test.close();
  });
  beforeEach(async () => {
    server.served.clear();
    folder = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const serve = (value: object, ...names: string[]) => server.serve(value, ...names);
  const spy = () => ({ ...test.caller(), project: 'spy', scope: 'spy' });
  const build = (from: string, request: TestRequest = {}) =>
    test.build(folder, { dockerfile: { text: `FROM ${from}\nLABEL mine=1`, name: 'Dockerfile' }, ...request }, spy());

  it('give nothing behind a name of a registry that has never had it', async () => {
    await expect(build(`${host}/any@${stolen.digest}`)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give nothing to a registry that only says that a tag is it', async () => {
    server.served.set('1', stolen.digest).set(stolen.digest, stolen.digest);
    await expect(build(`${host}/any:1`)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give nothing where an index names them', async () => {
    const { os, architecture } = test.deps.platform;
    const entry = { ...stolen, platform: { os, architecture } };
    serve({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [entry] }, '1');
    await expect(build(`${host}/any:1`)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give nothing where an index names them that was pushed to us', async () => {
    const { os, architecture } = test.deps.platform;
    await putIndex(test.deps, 'index-of-the-spy:1', [{ ...stolen, platform: { os, architecture } }]);
    await expect(build(`${OWN}/index-of-the-spy:1`)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give no config where a manifest names it', async () => {
    serve({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [layer], annotations: {} }, '1');
    await expect(build(`${host}/any:1`)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give no config to a cache import either', async () => {
    const cache = { ...config, mediaType: 'application/vnd.slipway.cache.v1+json' };
    serve({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config: cache, layers: [layer] }, '1');
    const { events } = await build('scratch', { cacheFrom: [{ kind: 'registry', reference: `${host}/any:1` }] });
    expect(JSON.stringify(events)).not.toContain('busybox');
  });

  it('give no layer to a forged cache, though its registry says that it has it', async () => {
    await writeFile(join(folder, 'a'), 'mine');
    const path = join(folder, 'cache');
    const cacheTo = [{ kind: 'local' as const, path, mode: 'max' as const }];
    const dockerfile = { text: 'FROM scratch\nCOPY a /a', name: 'Dockerfile' };
    await build('scratch', { dockerfile, cacheTo });
    const blob = async (digest: string) =>
      JSON.parse(await readFile(join(path, 'blobs', digest.replace(':', '/')), 'utf8'));
    const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8'));
    const manifest = await blob(index.manifests[0].digest);
    const { records, ...rest } = await blob(manifest.config.digest);
    const taken = { diffID: digestOf('any'), blob: layer };
    const document = serve({ ...rest, records: records.map((record: object) => ({ ...record, layer: taken })) });
    serve({ ...manifest, config: { ...document, mediaType: manifest.config.mediaType } }, '1');
    server.served.set(layer.digest, layer.digest);
    const cacheFrom = [{ kind: 'registry' as const, reference: `${host}/any:1` }];
    const found = await test.build(folder, { dockerfile, cacheFrom }, { ...spy(), project: 'accomplice' });
    expect(found.steps.map(({ status }) => status)).toEqual(['ran']);
    expect(server.requests.some(({ url }) => url.endsWith(layer.digest))).toBe(true);
  });

  it('give nothing to an index that is pushed on', async () => {
    const { os, architecture } = test.deps.platform;
    const own = Buffer.from('a layer that is never read');
    server.served.set(digestOf(own), own);
    const blob = { mediaType: MEDIA.ociLayerGzip, digest: digestOf(own), size: own.length };
    const mine = serve({ os, architecture, rootfs: { type: 'layers', diff_ids: [digestOf('x')] } });
    const manifest = serve({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { ...mine, mediaType: MEDIA.ociConfig },
      layers: [blob],
    });
    const manifests = [
      { ...manifest, platform: { os, architecture } },
      { ...stolen, platform: { os, architecture: 'riscv64' } },
    ];
    serve({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }, '1');
    const name = `${host}/any:1`;
    await test.engine.pull(name, spy());
    const target = 'europe-central2-docker.pkg.dev/spy/repo/taken:1';
    await test.engine.tag(name, target, spy());
    await expect(test.engine.push(target, spy())).rejects.toMatchObject({ code: 'not-found' });
  });

  it('give nothing to a layout without the bytes', async () => {
    const layout = join(folder, 'layout');
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [layer] }),
    );
    const digest = digestOf(bytes);
    await writeFile(join(layout, 'blobs', digest.replace(':', '/')), bytes);
    const entry = { mediaType: MEDIA.ociManifest, digest, size: bytes.length };
    await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    const contexts = { lay: { kind: 'layout' as const, path: layout } };
    await expect(build('lay', { contexts })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('are enough for a project that has had the bytes, also when the registry is gone', async () => {
    const image = await putImage(
      test.deps,
      'open:1',
      { ...test.deps.platform, rootfs: { type: 'layers', diff_ids: [] }, config: {}, history: [] },
      [],
    );
    const bytes = await test.deps.content.read(image.digest);
    const { config: small } = JSON.parse(bytes.toString());
    server.served
      .set(image.digest, bytes)
      .set('1', bytes)
      .set(small.digest, await test.deps.content.read(small.digest));
    await build(`${host}/open:1`);
    server.served.clear();
    expect((await build(`${host}/open@${image.digest}`)).image.id).toBeDefined();
  });
});
