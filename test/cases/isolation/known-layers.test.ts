import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/engine/create-engine.ts';
import type { Descriptor } from '../../../src/images/descriptor.ts';
import type { Digest } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { OWN, openTestEngine, type TestEngine } from '../image-build/test-engine.ts';
import { type ForeignRegistry, openForeignRegistry } from './foreign-registry.ts';

/** What somebody gets who knows digest and diffID of a layer of a private image, and writes manifest and config himself. */
describe.skipIf(!hasBusybox)('a layer of another project', () => {
  let test: TestEngine;
  let layer: Descriptor;
  let diffID: Digest;
  let bytes: Buffer;
  let server: ForeignRegistry;
  let folder: string;
  let spies = 0;

  beforeAll(async () => {
    test = await openTestEngine();
    const image = await putBusybox(test.deps, 'private:1');
    const manifest = JSON.parse((await test.deps.content.read(image.digest)).toString());
    layer = manifest.layers[0];
    diffID = JSON.parse((await test.deps.content.read(manifest.config.digest)).toString()).rootfs.diff_ids[0];
    bytes = await test.deps.content.read(layer.digest);
    // its tree and its listing lie here, as after any build of the project
    await (await test.engine.rootfs(`${OWN}/private:1`, test.caller())).release();
    await test.engine.pull(`${OWN}/private:1`, test.caller(), { layers: true });
    await test.engine.files(`${OWN}/private:1`, test.caller());
    server = await openForeignRegistry();
  });
  afterAll(async () => {
    await server.close();
    await test.close();
  });
  beforeEach(async () => {
    spies++;
    server.served.clear();
    folder = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const spy = () => ({ ...test.caller(), project: `spy-${spies}`, scope: `spy-${spies}` });
  /** An image of the spy's own that names a layer. */
  const image = (blob: Descriptor, claimed: Digest = diffID): string => {
    const { os, architecture } = test.deps.platform;
    const config = server.serve({ os, architecture, rootfs: { type: 'layers', diff_ids: [claimed] }, spies });
    const manifest = { schemaVersion: 2, mediaType: MEDIA.ociManifest, layers: [blob] };
    server.serve({ ...manifest, config: { ...config, mediaType: MEDIA.ociConfig } }, '1');
    return `${server.host}/any:1`;
  };
  const copy = (from: string, engine = test) =>
    engine.build(
      folder,
      { dockerfile: { text: `FROM scratch\nCOPY --from=${from} /etc/passwd /`, name: 'Dockerfile' } },
      spy(),
    );
  const pulled = async (from: string) => {
    await test.engine.pull(from, spy());
    return from;
  };

  it('is not read from an image that only names it', async () => {
    await expect(copy(image(layer))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is not read where the registry says that it has it', async () => {
    server.served.set(layer.digest, layer.digest);
    await expect(copy(image(layer))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is not shown by the diffID that another layer claims', async () => {
    const mine = { ...server.serve(gzipSync('mine')), mediaType: MEDIA.ociLayerGzip };
    await expect(copy(image(mine))).rejects.toMatchObject({ code: 'invalid' });
    await expect(copy(image(mine))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('is not unpacked into what runs, and its tree is not shown', async () => {
    await expect(test.engine.rootfs(image(layer), spy())).rejects.toMatchObject({ code: 'unavailable' });
    const mine = { ...server.serve(gzipSync('mine')), mediaType: MEDIA.ociLayerGzip };
    await expect(test.engine.rootfs(image(mine), spy())).rejects.toMatchObject({ code: 'invalid' });
  });

  it('is neither listed nor saved', async () => {
    const name = await pulled(image(layer));
    await expect(test.engine.files(name, spy())).rejects.toMatchObject({ code: 'unavailable' });
    await expect(test.engine.save([name], 'oci', async () => undefined, spy())).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('is not written out with an image', async () => {
    const written: number[] = [];
    const write = async (tar: AsyncIterable<Uint8Array>) => {
      for await (const chunk of tar) written.push(chunk.length);
    };
    const dockerfile = { text: `FROM ${image(layer)}\nLABEL mine=1`, name: 'Dockerfile' };
    for (const kind of ['tar', 'oci'] as const)
      await expect(test.build(folder, { dockerfile, outputs: [{ kind, write }] }, spy())).rejects.toMatchObject({
        code: 'unavailable',
      });
  });

  it('is not pushed, to us or to others', async () => {
    const name = await pulled(image(layer));
    for (const target of ['europe-central2-docker.pkg.dev/spy/repo/taken:1', `${server.host}/elsewhere:1`]) {
      await test.engine.tag(name, target, spy());
      await expect(test.engine.push(target, spy())).rejects.toMatchObject({ code: 'unavailable' });
    }
    await expect(
      test.engine.copy(name, 'europe-central2-docker.pkg.dev/spy/repo/taken:1', spy()),
    ).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is not fetched for one project from where another has it', async () => {
    const blob = { ...server.serve(gzipSync(`lazy ${spies}`)), mediaType: MEDIA.ociLayerGzip };
    const name = image(blob);
    await test.engine.pull(name, { ...test.caller(), project: 'other', scope: 'other' });
    const second = await openForeignRegistry();
    try {
      for (const [path, value] of server.served) if (path !== blob.digest) second.served.set(path, value);
      await expect(copy(`${second.host}/any:1`)).rejects.toMatchObject({ code: 'unavailable' });
      expect(server.requests.some(({ url }) => url.endsWith(blob.digest))).toBe(false);
    } finally {
      await second.close();
    }
  });

  it('is used once its bytes came from a registry, and then also without it', async () => {
    const name = image(layer);
    server.served.set(layer.digest, bytes);
    expect((await copy(name)).image.id).toBeDefined();
    server.served.delete(layer.digest);
    const fetched = () => server.requests.filter(({ url }) => url.endsWith(layer.digest)).length;
    const before = fetched();
    const again = { ...test, build: test.build };
    await (await (await test.restarted()).rootfs(name, spy())).release();
    expect((await copy(name, again)).image.id).toBeDefined();
    expect(fetched()).toBe(before);
  });

  it('is used without its bytes where a registry says so that checks what it is sent', async () => {
    server.served.set(layer.digest, layer.digest);
    const engine = await createEngine({ ...test.deps, vouches: (host) => host === server.host });
    await (await engine.rootfs(image(layer), spy())).release();
  });

  it('is used by whoever reads everything', async () => {
    const engine = await createEngine({ ...test.deps, readsEverything: () => true });
    await (await engine.rootfs(image(layer), spy())).release();
  });

  it('is used by projects that may read the repository of ours that links it', async () => {
    const stack = await test.engine.rootfs(`${OWN}/private:1`, spy());
    await stack.release();
  });
});
