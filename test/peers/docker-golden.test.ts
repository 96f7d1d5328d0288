import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { readCases } from './build-case.ts';
import { type BuildAnswer, differences } from './compare.ts';
import { buildByDocker } from './docker-builds.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';
import { type OtherAnswer, writeGolden } from './golden.ts';
import { type OurBuilds, openOurBuilds } from './our-builds.ts';

const cases = (await readCases(join(import.meta.dirname, '../cases/peer-builds'))).filter(
  ({ args }) => args.unasked === undefined,
);

/** Asks docker again, by both of its builders, and writes what it answers beside each case. */
describe.skipIf(!hasDocker || !hasBusybox || !hasRunc)("docker's answers to the cases", () => {
  let ours: OurBuilds;
  let docker: DockerDaemon;
  beforeAll(async () => {
    ours = await openOurBuilds();
    docker = await startDocker();
    const base = await ours.saveBase(['busybox:latest']);
    const loaded = await docker.docker(['load', '--input', base.path]);
    await base.remove();
    expect(loaded.stderr).toBe('');
  });
  afterAll(async () => {
    await docker?.stop();
    await ours?.close();
  });

  it.concurrent.each(cases)('$name', async (each) => {
    const buildkit = await buildByDocker(docker, 'buildkit', each, ours.base);
    const classic = await buildByDocker(docker, 'classic', each, ours.base);
    await writeGolden(each, {
      date: new Date().toISOString().slice(0, 10),
      versions: { docker: docker.version },
      buildkit,
      classic: beside(buildkit, classic),
    });
  });
});

function beside(first: BuildAnswer, other: BuildAnswer): OtherAnswer {
  if (!('image' in other)) return other;
  if (!('image' in first)) return { differs: ['it builds'] };
  // the classic builder's words for history are all different ones; only BuildKit's are compared
  const lines = differences(first.image, { ...other.image, history: first.image.history });
  return lines.length === 0 ? 'same' : { differs: lines };
}
