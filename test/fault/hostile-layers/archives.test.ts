import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { putImage } from '../../cases/image-build/busybox-base.ts';
import { layerChanges } from '../../cases/image-build/image-files.ts';
import { isRoot } from '../../cases/image-build/needs.ts';
import { OWN, openTestEngine, type TestEngine } from '../../cases/image-build/test-engine.ts';
import { hostileTars } from './hostile-tars.ts';
import { leftBehind, openHandles } from './left-behind.ts';
import { makeOutside, type Outside } from './outside.ts';
import { rawTar } from './raw-tar.ts';

const names = hostileTars('/VICTIM').map(({ what }, i) => ({ what, i }));

describe.skipIf(!isRoot)('an engine that is given hostile bytes', () => {
  let test: TestEngine;
  let outside: Outside;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine();
    outside = makeOutside();
    context = join(outside.inside, 'context');
  });
  beforeEach(async () => {
    await rm(context, { recursive: true, force: true });
    await mkdir(context);
  });
  afterAll(async () => {
    outside.remove();
    await test.close();
  });

  const tarOf = (i: number) => hostileTars(outside.victim)[i]?.tar ?? Buffer.alloc(0);

  /** Whatever becomes of it: nothing outside changes, nothing stays in work, and no bug shows itself. */
  async function harmless<T>(work: () => Promise<T>): Promise<T | Problem> {
    const before = outside.state();
    const handles = openHandles();
    const outcome = await work().catch((error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    });
    expect(outside.state()).toEqual(before);
    expect(leftBehind(test.folder)).toEqual([]);
    expect(openHandles()).toBeLessThanOrEqual(handles + 2);
    return outcome;
  }

  it.each(names)('ADDs an archive with $what', async ({ i }) => {
    await writeFile(join(context, 'a.tar'), tarOf(i));
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nADD a.tar /in/\n');
    const built = await harmless(() => test.build(context, { tags: ['hostile:1'] }));
    if (built instanceof Problem) return;
    const { layers } = await test.engine.inspect('hostile:1', test.caller());
    for (const layer of layers)
      for (const { path } of await layerChanges(test.deps, layer)) expect(path.split('/')).not.toContain('..');
    // what was written can be read again
    const unpacked = await harmless(async () => {
      const rootfs = await test.engine.rootfs('hostile:1', test.caller());
      await rootfs.release();
    });
    expect(unpacked).toBeUndefined();
  });

  it.each(names)('runs on a base whose layer has $what', async ({ i }) => {
    await putBase(tarOf(i));
    await harmless(async () => {
      await test.engine.pull(`${OWN}/hostile:1`, test.caller());
      const rootfs = await test.engine.rootfs(`${OWN}/hostile:1`, test.caller());
      await rootfs.release();
    });
  });

  /** Puts an image of one layer into our registry. @param diffID what its config says of it */
  async function putBase(tar: Buffer, diffID = digestOf(tar)): Promise<void> {
    const blob = await test.deps.content.put(gzipSync(tar));
    const config = { ...test.deps.platform, rootfs: { type: 'layers' as const, diff_ids: [diffID] } };
    await putImage(test.deps, 'hostile:1', config, [{ ...blob, mediaType: MEDIA.ociLayerGzip }]);
  }

  it('says which layer is not what its image says', async () => {
    await putBase(rawTar([{ name: 'f' }]), digestOf('something else'));
    const outcome = await harmless(async () => {
      await test.engine.pull(`${OWN}/hostile:1`, test.caller());
      await test.engine.rootfs(`${OWN}/hostile:1`, test.caller());
    });
    expect(outcome).toMatchObject({ name: 'Problem', message: expect.stringMatching(/diffID|diff_id|layer/) });
  });

  it.each([
    [
      'garbage behind a gzip head',
      Buffer.concat([gzipSync(rawTar([{ name: 'f' }])).subarray(0, 40), Buffer.alloc(5000, 7)]),
    ],
    [
      'a cut gzip',
      gzipSync(
        rawTar([{ name: 'f', body: Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * i) % 251)) }]),
      ).subarray(0, 300),
    ],
    ['a zstd that is none', Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(600, 9)])],
    ['an xz that is none', Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), Buffer.alloc(600, 9)])],
    ['a bzip2 that is none', Buffer.concat([Buffer.from('BZh91AY&SY'), Buffer.alloc(600, 9)])],
  ])('is given %s as a layer and as an archive', async (_, bytes) => {
    const blob = await test.deps.content.put(bytes);
    const config = { ...test.deps.platform, rootfs: { type: 'layers' as const, diff_ids: [digestOf('x')] } };
    await putImage(test.deps, 'hostile:1', config, [{ ...blob, mediaType: MEDIA.ociLayerGzip }]);
    const run = await harmless(async () => {
      await test.engine.pull(`${OWN}/hostile:1`, test.caller());
      await test.engine.rootfs(`${OWN}/hostile:1`, test.caller());
    });
    expect(run).toBeInstanceOf(Problem);
    await writeFile(join(context, 'a.bin'), bytes);
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nADD a.bin /in/\n');
    // docker copies what it can't unpack, and so do we; a cut archive may also be refused
    await harmless(() => test.build(context, { tags: ['hostile:1'] }));
  });
});
