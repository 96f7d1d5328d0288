import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failedVertex, maskedClassic, maskedPlain } from '../cases/build-progress/masked.ts';
import { type ProgressCase, progressCases, writeProgressGolden } from '../cases/build-progress/progress-cases.ts';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';
import { openOurBuilds } from './our-builds.ts';

/** Asks docker again what its two builders print, and writes it beside each case. */
describe.skipIf(!hasDocker || !hasBusybox || !hasRunc)("docker's progress", () => {
  let docker: DockerDaemon;
  beforeAll(async () => {
    const ours = await openOurBuilds();
    try {
      docker = await startDocker();
      const base = await ours.saveBase(['busybox:latest']);
      const loaded = await docker.docker(['load', '--input', base.path]);
      await base.remove();
      expect(loaded.stderr).toBe('');
    } finally {
      await ours.close();
    }
  });
  afterAll(() => docker?.stop());

  it.each(progressCases)('$name', async (each) => {
    const plain = await build(each, '1', '--no-cache');
    const plainAgain = each.fails ? undefined : await build(each, '1');
    const classic = await build(each, '0', '--no-cache');
    const classicAgain = each.fails ? undefined : await build(each, '0');
    await writeProgressGolden(each, {
      date: new Date().toISOString().slice(0, 10),
      docker: docker.version,
      plain: {
        first: maskedPlain(plain),
        ...(plainAgain === undefined ? {} : { again: maskedPlain(plainAgain) }),
        ...(failedVertex(plain) === undefined ? {} : { failed: failedVertex(plain) }),
      },
      classic: {
        first: maskedClassic(classic),
        ...(classicAgain === undefined ? {} : { again: maskedClassic(classicAgain) }),
      },
    });
  });

  async function build({ folder }: ProgressCase, buildkit: '0' | '1', ...flags: string[]): Promise<string> {
    const plain = buildkit === '1' ? ['--progress=plain'] : [];
    const args = ['build', '--network=none', '--tag', 'seen', ...plain, ...flags, folder];
    const { stdout, stderr } = await docker.docker(args, { DOCKER_BUILDKIT: buildkit });
    return stdout + stderr;
  }
});
