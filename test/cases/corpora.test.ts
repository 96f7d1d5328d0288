import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, readOutcomes } from '../peers/corpora-report.ts';
import { ALIASES, hasCorpora, readCorpora, toBuildCase } from '../peers/corpus.ts';
import { type OurBuilds, openOurBuilds } from '../peers/our-builds.ts';
import { hasBusybox } from './image-build/busybox-base.ts';
import { hasRunc } from './image-build/needs.ts';

/** One of so many of each suite: all of them are built by `npm run test:peers`. */
const EVERY = 6;

/** What the last run beside docker wrote down still holds: the same Dockerfiles build, the same are refused in words. */
describe.skipIf(!hasCorpora || !hasBusybox || !hasRunc)("other builders' Dockerfiles", async () => {
  const outcomes = await readOutcomes();
  const entries = readCorpora().filter((entry, i) => i % EVERY === 0 && outcomes[key(entry)] !== undefined);
  let ours: OurBuilds;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-corpus-'));
    ours = await openOurBuilds();
    for (const name of ALIASES) await ours.nameBase(name);
  });
  afterAll(async () => {
    await ours?.close();
    await rm(folder, { recursive: true });
  });

  it.each(entries.map((entry) => ({ ...entry, label: key(entry) })))('$label', async (entry) => {
    const found = await ours.build(await toBuildCase(entry, await mkdtemp(join(folder, 'case-'))));
    expect('image' in found ? 'builds' : `refused: ${found.error}`).toMatch(
      outcomes[key(entry)]?.builds === true ? /^builds$/ : /^refused: ./,
    );
  });
});
