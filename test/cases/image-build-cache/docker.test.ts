import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerDaemon, hasDocker, startDocker } from '../../peers/docker-daemon.ts';
import { type DebianRegistry, startDebianRegistry } from '../../wire/debian-registry.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from '../image-build/test-engine.ts';
import { type PretendRuntime, pretendRuntime } from './pretend-runtime.ts';

const able = hasDocker && hasBusybox && existsSync('/usr/bin/docker-registry');

/** Images of docker's two builders as our cache, and ours as theirs. */
describe.skipIf(!able)('docker (needs dockerd 20.10 and docker-registry)', () => {
  let docker: DockerDaemon;
  let registry: DebianRegistry;
  let test: TestEngine;
  let runtime: PretendRuntime;
  let context: string;
  beforeAll(async () => {
    registry = await startDebianRegistry();
    docker = await startDocker();
    runtime = pretendRuntime();
    test = await openTestEngine({ runtime: () => runtime });
    await putBusybox(test.deps);
    await test.engine.copy(`${OWN}/base:1`, `${registry.host}/team/base:1`, test.caller());
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    await mkdir(join(context, 'src'));
    await writeFile(join(context, 'need.txt'), 'flask');
    await writeFile(join(context, 'src/main.py'), 'print()');
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${registry.host}/team/base:1
ARG V=1
ENV MODE=test
WORKDIR /app
COPY need.txt ./
RUN cp need.txt installed && echo $V > version
LABEL a=b
COPY src ./src
RUN ls -l src > files
`,
    );
  });
  afterAll(async () => {
    await test?.close();
    await docker?.stop();
    await registry?.stop();
    await rm(context, { recursive: true, force: true });
  });

  const build = (from: string): Promise<TestBuild> =>
    test.build(
      context,
      { cacheFrom: [{ kind: 'registry', reference: from }] },
      { ...test.caller(), project: from.replaceAll(/\W/g, '-') },
    );

  it.each([
    ['BuildKit', '1', 'buildkit'],
    ['the classic builder', '0', 'classic'],
  ])('an image of %s serves every RUN and COPY', async (_, buildkit, name) => {
    const reference = `${registry.host}/team/${name}:1`;
    const built = await docker.docker(['build', '--network=none', '-t', reference, context], {
      DOCKER_BUILDKIT: buildkit,
      BUILDKIT_PROGRESS: 'plain',
    });
    expect(built.stderr + built.stdout).toMatch(/writing image|Successfully built/);
    expect((await docker.docker(['push', reference])).exitCode).toBe(0);
    const theirs = await test.engine.pull(reference, { ...test.caller(), scope: 'peer' });
    const { layers } = await test.engine.inspect(reference, { ...test.caller(), scope: 'peer' });
    const before = runtime.ran.length;
    const ours = await build(reference);
    expect(theirs.own).toBe(false);
    expect(runtime.ran.slice(before)).toEqual([]);
    expect(ours.steps.flatMap(({ layer }) => (layer === undefined ? [] : [layer.diffID]))).toEqual(
      layers.slice(1).map(({ diffID }) => diffID),
    );
  });

  it('an image of BuildKit serves no RUN behind another file', async () => {
    const reference = `${registry.host}/team/buildkit:1`;
    await writeFile(join(context, 'need.txt'), 'other');
    const before = runtime.ran.length;
    const caller = { ...test.caller(), project: 'changed' };
    await test.build(context, { cacheFrom: [{ kind: 'registry', reference }] }, caller);
    expect(runtime.ran.slice(before)).toHaveLength(2);
    await writeFile(join(context, 'need.txt'), 'flask');
  });

  it('reads our records without complaint', async () => {
    const reference = `${registry.host}/team/ours:1`;
    await test.build(context, { tags: [reference], buildArgs: { BUILDKIT_INLINE_CACHE: '1' } });
    await test.engine.push(reference, test.caller());
    const args = [
      'build',
      '--network=none',
      '--cache-from',
      reference,
      '--build-arg',
      'BUILDKIT_INLINE_CACHE=1',
      context,
    ];
    const { exitCode, stderr } = await docker.docker(args, { DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(`importing cache manifest from ${reference}`);
    expect(stderr).not.toMatch(/ERROR|invalid|failed/i);
  });
});
