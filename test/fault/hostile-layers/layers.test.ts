import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackLayer, unpackLayerFile } from '../../../src/engine/snapshots/unpack.ts';
import { MergedTree } from '../../../src/engine/trees/merged-tree.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { isRoot } from '../../cases/image-build/needs.ts';
import { type HostileTar, hostileTars } from './hostile-tars.ts';
import { makeOutside, type Outside } from './outside.ts';

const VICTIM = '/VICTIM';

/** The same list for the names of tests, before there is a folder to aim at. */
const names = hostileTars(VICTIM).map(({ what }, i) => ({ what, i }));

describe.skipIf(!isRoot)('a layer with', () => {
  let outside: Outside;
  beforeAll(() => {
    outside = makeOutside();
  });
  afterAll(() => outside.remove());

  it.each(names)('$what lands below its root, or is refused in words', async ({ i }) => {
    const hostile = hostileTars(outside.victim)[i];
    if (hostile === undefined) throw new Error('no such tar');
    const root = join(outside.inside, String(i));
    mkdirSync(root);
    const { signal } = new AbortController();
    await judge(hostile, root, () => unpackLayer(chunks(hostile.tar), root, MergedTree.empty, signal));
    const again = `${root}-file`;
    mkdirSync(again);
    const file = `${root}.tar`;
    writeFileSync(file, hostile.tar);
    await judge(hostile, again, () => unpackLayerFile(file, again, MergedTree.empty, signal, { digests: false }));
  });

  async function judge(hostile: HostileTar, root: string, unpack: () => Promise<unknown>): Promise<void> {
    const before = outside.state();
    const unpacking = unpack();
    const failure = await unpacking.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(outside.state()).toEqual(before);
    if (hostile.refused === undefined) expect(failure).toBeUndefined();
    else {
      expect(failure).toBeInstanceOf(Problem);
      expect((failure as Problem).message).toMatch(hostile.refused);
    }
    for (const path of hostile.makes ?? []) expect(lstatSync(join(root, path))).toBeDefined();
  }
});

/** In pieces of a size that fits no boundary. */
async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
}
