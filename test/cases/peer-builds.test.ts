import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCases } from '../peers/build-case.ts';
import { missingPacker } from '../peers/case-archive.ts';
import { unexplainedClassic } from '../peers/classic-differences.ts';
import { answerDifferences, comparable } from '../peers/compare.ts';
import { readGolden } from '../peers/golden.ts';
import { unexplained } from '../peers/known-differences.ts';
import { type OurBuilds, openOurBuilds } from '../peers/our-builds.ts';
import { hasBusybox } from './image-build/busybox-base.ts';
import { hasRunc } from './image-build/needs.ts';

const cases = (await readCases(join(import.meta.dirname, 'peer-builds'))).map((each) => {
  const lacks = Object.keys(each.args.context?.archives ?? {}).flatMap((name) => missingPacker(name) ?? []);
  return { ...each, lacks: [...new Set(lacks)].join() };
});

/** Every case gives the tree and the configuration that docker gave on the day of its golden answer. */
describe.skipIf(!hasBusybox || !hasRunc)('builds as docker does', () => {
  let ours: OurBuilds;
  beforeAll(async () => {
    ours = await openOurBuilds();
  });
  afterAll(() => ours?.close());

  it.for(cases)('$name', async (each, { skip }) => {
    if (each.lacks !== '') skip(`needs ${each.lacks}`);
    const golden = await readGolden(each);
    if (golden === undefined) throw new Error('npm run test:peers has not asked docker yet');
    const found = await ours.build(each);
    if ('error' in found) expect(found.error).toContain(each.args.fails ?? 'no failure at all');
    else expect(each.args.fails).toBeUndefined();
    const differences = answerDifferences(comparable(each, golden.buildkit), comparable(each, found));
    expect(unexplained(each.name, differences)).toEqual([]);
    expect(unexplainedClassic(each.name, golden)).toEqual([]);
  });
});
