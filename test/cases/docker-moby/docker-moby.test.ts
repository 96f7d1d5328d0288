import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCorpora, toBuildCase } from '../../peers/corpus.ts';
import { buildByDocker } from '../../peers/docker-builds.ts';
import type { DockerDaemon } from '../../peers/docker-daemon.ts';
import { type OurBuilds, openOurBuilds } from '../../peers/our-builds.ts';
import { dockerClients } from '../../wire/docker-lessons/docker-clients.ts';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { startDoor } from './door-engine.ts';
import { loadBases, mobyEntries } from './moby-entries.ts';
import { readMobyOutcomes } from './moby-outcomes.ts';

/** One of so many; all of them are built by `npm run test:peers`, beside dockerd. */
const EVERY = 5;

const client = dockerClients[0];
const lacks = [
  ...(client === undefined ? [': no docker'] : []),
  ...(hasCorpora ? [] : [": no corpus of moby's tests"]),
  ...(hasBusybox ? [] : [': no busybox']),
  ...(hasRunc ? [] : [': no runc']),
].join('');

/** What the last run beside dockerd wrote down still holds, with the newest docker of this machine. */
describe.skipIf(lacks !== '')(`moby's Dockerfiles by docker${lacks}`, async () => {
  const outcomes = await readMobyOutcomes();
  const entries = mobyEntries().filter(({ name }) => outcomes[name] !== undefined);
  let ours: OurBuilds;
  let door: DockerDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-moby-'));
    ours = await openOurBuilds();
    door = await startDoor(client?.path ?? '');
    await loadBases(door, ours);
  });
  afterAll(async () => {
    await door?.stop();
    await ours?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(entries.filter((_, i) => i % EVERY === 0))('$name', async (entry) => {
    const each = await toBuildCase(entry, await mkdtemp(join(folder, 'case-')));
    const found = await buildByDocker(door, 'classic', each, ours.base);
    expect('image' in found ? 'builds' : `refused: ${found.error}`).toMatch(
      outcomes[entry.name]?.builds === true ? /^builds$/ : /^refused: ./,
    );
  });
});
