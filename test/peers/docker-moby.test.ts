import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDoor } from '../cases/docker-moby/door-engine.ts';
import { mobyReason } from '../cases/docker-moby/moby-differences.ts';
import { loadBases, mobyEntries } from '../cases/docker-moby/moby-entries.ts';
import { type MobyOutcome, type MobyOutcomes, writeMobyOutcomes } from '../cases/docker-moby/moby-outcomes.ts';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { dockerClients } from '../wire/docker-lessons/docker-clients.ts';
import { answerDifferences, type BuildAnswer } from './compare.ts';
import { hasCorpora, toBuildCase } from './corpus.ts';
import { buildByDocker } from './docker-builds.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';
import { type OurBuilds, openOurBuilds } from './our-builds.ts';

const client = dockerClients.at(-1);

describe.skipIf(!hasDocker || !hasBusybox || !hasRunc || !hasCorpora)(
  "moby's Dockerfiles, with dockerd and with us",
  () => {
    const outcomes: MobyOutcomes = {};
    const entries = mobyEntries();
    const runnable = entries.filter(({ skip }) => skip === undefined);
    let ours: OurBuilds;
    let docker: DockerDaemon;
    let door: DockerDaemon;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'slipway-moby-'));
      ours = await openOurBuilds();
      docker = await startDocker();
      door = await startDoor(client?.path ?? '');
      for (const engine of [docker, door]) await loadBases(engine, ours);
    });
    afterAll(async () => {
      const skipped = entries.flatMap(({ skip }) => skip?.replace(/the image .*/, 'an image of its own') ?? []);
      if (Object.keys(outcomes).length === runnable.length)
        await writeMobyOutcomes(outcomes, skipped, { dockerd: docker.version, client: client?.version ?? '' });
      await docker?.stop();
      await door?.stop();
      await ours?.close();
      await rm(folder, { recursive: true });
    });

    it.each(runnable)('$name', async (entry) => {
      const each = await toBuildCase(entry, await mkdtemp(join(folder, 'case-')));
      const theirs = await buildByDocker(docker, 'classic', each, ours.base);
      const found = await buildByDocker(door, 'classic', each, ours.base);
      const { outcome, unexplained } = compared(entry.name, theirs, found);
      outcomes[entry.name] = outcome;
      expect(unexplained).toEqual([]);
    });
  },
);

function compared(
  name: string,
  theirs: BuildAnswer,
  ours: BuildAnswer,
): { outcome: MobyOutcome; unexplained: string[] } {
  const builds = 'image' in ours;
  if ('error' in theirs && 'error' in ours) {
    const agreement = theirs.error === ours.error ? 'refused in the same words' : 'refused in other words';
    const words = agreement === 'refused in other words' ? { words: { dockerd: theirs.error, ours: ours.error } } : {};
    const unexplained = theirs.exitCode === ours.exitCode ? [] : [`exit code ${ours.exitCode}, not ${theirs.exitCode}`];
    return { outcome: { builds, agreement, ...words }, unexplained };
  }
  // how an instruction is worded in the history is another one with every builder; lessons.test.ts looks at it
  const lines =
    'image' in theirs && 'image' in ours
      ? answerDifferences(theirs, { image: { ...ours.image, history: theirs.image.history } })
      : answerDifferences(theirs, ours);
  if (lines.length === 0) return { outcome: { builds, agreement: 'the same image' }, unexplained: [] };
  const reasons = lines.map((line) => ({ line, reason: mobyReason(name, line) }));
  return {
    outcome: {
      builds,
      agreement: 'differs',
      why: [...new Set(reasons.map(({ reason, line }) => reason ?? line))].join(' '),
    },
    unexplained: reasons.filter(({ reason }) => reason === undefined).map(({ line }) => line),
  };
}
