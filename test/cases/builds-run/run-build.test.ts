import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Build } from '../../../src/builds/build.ts';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { pause } from '../../../src/lib/retry.ts';
import { NOTHING_LEFT, openBench } from '../build-log/build-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

async function run(request: BuildRequest, signal = new AbortController().signal): Promise<Build> {
  const ended = await runBuild(await bench.submit(request), bench.deps, signal);
  if (ended === undefined) throw new Error('the build was not queued');
  return ended;
}

const step = { name: 'busybox' };
const docker = (...args: string[]) => ({ name: 'gcr.io/cloud-builders/docker', args });
const say = (...lines: string[]) => ({ ...step, args: ['say', ...lines] });

describe('a build', () => {
  it('records statuses, times, images and outputs', async () => {
    const image = 'europe-central2-docker.pkg.dev/p1/r/api';
    const ended = await run({
      steps: [
        docker('pull', 'busybox'),
        docker('tag', 'busybox', `${image}:1`),
        docker('tag', 'busybox', `${image}:latest`),
        docker('push', `${image}:latest`),
        { ...step, args: ['output', 'handed on'] },
      ],
      images: [`${image}:1`],
    });
    expect(ended.status).toBe('SUCCESS');
    expect(ended.steps.map((one) => [one.status, one.exitCode])).toEqual(Array(5).fill(['SUCCESS', 0]));
    expect(ended.steps[4]?.timing?.endTime).toBeDefined();
    expect(Object.keys(ended.timing ?? {})).toEqual(['SETUPBUILD', 'BUILD', 'PUSH']);
    expect(ended.results?.images).toEqual([
      { name: `${image}:1`, digest: expect.stringMatching(/^sha256:/), pushTiming: expect.anything() },
      { name: `${image}:latest`, digest: expect.stringMatching(/^sha256:/) },
    ]);
    expect(ended.results?.buildStepImages).toEqual(['', '', '', '', expect.stringMatching(/^sha256:/)]);
    expect(ended.results?.buildStepOutputs).toEqual(['', '', '', '', Buffer.from('handed on').toString('base64')]);
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('runs side by side what does not wait, and the rest after it', async () => {
    await run({
      steps: [
        { ...say('a'), id: 'a' },
        { ...say('b'), id: 'b', waitFor: ['-'] },
        { ...say('c'), waitFor: ['a', 'b'] },
      ],
    });
    expect(bench.held.ran.map((spec) => spec.args[1])).toEqual(expect.arrayContaining(['a', 'b', 'c']));
    expect(bench.held.ran.at(-1)?.args[1]).toBe('c');
  });

  it('stops what runs beside a step that fails, and leaves what waits as QUEUED', async () => {
    const ended = await run({
      steps: [
        { ...step, args: ['hang'], id: 'slow' },
        { ...step, args: ['exit', '1'], waitFor: ['-'] },
        { ...say('never') },
      ],
    });
    expect(ended.steps.map((one) => one.status)).toEqual(['CANCELLED', 'FAILURE', 'QUEUED']);
    expect(ended).toMatchObject({
      status: 'FAILURE',
      failureInfo: {
        type: 'USER_BUILD_STEP',
        detail: 'Build step failure: build step 1 "busybox" failed: step exited with non-zero status: 1',
      },
    });
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('shows a step as WORKING while it runs, and ends as CANCELLED when it is stopped', async () => {
    const stop = new AbortController();
    const build = await bench.submit({ steps: [{ ...step, args: ['hang'] }, say('never')] });
    const ending = runBuild(build, bench.deps, stop.signal);
    for (;;) {
      const seen = (await bench.records.get(build.id))?.build;
      if (seen?.steps[0]?.status === 'WORKING' && bench.held.ran.length > 0) break;
      await pause(5);
    }
    stop.abort();
    expect(await ending).toMatchObject({ status: 'CANCELLED', steps: [{ status: 'CANCELLED' }, { status: 'QUEUED' }] });
    expect(await bench.logOf(build.id)).toMatch(/half a li\nFinished Step #0\nCANCELLED\nERROR: context canceled\n$/s);
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('closes the log before the status is final', async () => {
    const closedWhenFinal: unknown[] = [];
    const update = bench.deps.records.update.bind(bench.deps.records);
    const build = await bench.submit({ steps: [say('x')] });
    const records = {
      update: async (...args: Parameters<typeof update>) => {
        if (args[2].finishTime !== undefined) closedWhenFinal.push((await bench.logs.info(build.id))?.closed);
        return update(...args);
      },
    };
    await runBuild(build, { ...bench.deps, records }, new AbortController().signal);
    expect(closedWhenFinal).toEqual([true]);
  });

  it('gives a container its environment, folders and working directory as the hosted service does', async () => {
    await run({
      steps: [
        {
          ...step,
          args: ['env'],
          env: ['B=step', 'A=$BUILD_ID'],
          dir: 'sub/dir',
          volumes: [{ name: 'vol', path: '/cache' }],
        },
        { ...step, args: ['where'], dir: '/opt', volumes: [{ name: 'vol', path: '/elsewhere' }] },
        { ...step, script: '#!/bin/bash\ntrue\n' },
        { ...step, script: 'true\n' },
        { ...step, entrypoint: 'say', args: ['hi'] },
      ].map((one, i) => (i > 1 ? { ...one, allowFailure: true } : one)),
      options: { env: ['B=shared', 'C=shared'] },
    });
    const [first, second, shebang, plain, entry] = bench.held.ran;
    expect(first?.env).toEqual([
      expect.stringMatching(/^A=[0-9a-f-]{36}$/),
      'B=step',
      'BUILDER_OUTPUT=/builder/outputs',
      'C=shared',
      'HOME=/builder/home',
    ]);
    expect([first?.cwd, second?.cwd]).toEqual(['/workspace/sub/dir', '/opt']);
    const sourceOf = (spec: typeof first, target: string) => {
      const mount = spec?.mounts.find((one) => one.target === target);
      return mount?.kind === 'bind' ? mount.source : undefined;
    };
    expect(sourceOf(first, '/cache')).toBe(sourceOf(second, '/elsewhere'));
    expect(sourceOf(first, '/workspace')).toBe(sourceOf(second, '/workspace'));
    expect([shebang?.args, plain?.args, entry?.args]).toEqual([
      ['/builder/script'],
      ['/bin/sh', '/builder/script'],
      ['say', 'hi'],
    ]);
  });

  it("keeps two builds' image names apart", async () => {
    const look = docker('inspect', 'api:latest');
    const [made, other] = await Promise.all([
      run({ steps: [docker('pull', 'busybox'), docker('tag', 'busybox', 'api'), look] }),
      run({ steps: [look] }),
    ]);
    expect([made.status, other.status]).toEqual(['SUCCESS', 'FAILURE']);
  });

  it("does not read another project's source", async () => {
    await bench.buckets.createBucket({ name: 'p2_cloudbuild', project: 'p2', location: 'EU' });
    const ended = await run({
      steps: [say('x')],
      source: { storageSource: { bucket: 'p2_cloudbuild', object: 'source.tgz' } },
    });
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'FETCH_SOURCE_FAILED' } });
    expect(ended.failureInfo?.detail).toContain('belongs to another project');
  });

  it('copies the log to a bucket that the request names', async () => {
    await bench.buckets.createBucket({ name: 'p1-logs', project: 'p1', location: 'EU' });
    const ended = await run({ steps: [say('x')], logsBucket: 'gs://p1-logs/dir/' });
    expect((await bench.buckets.stat('p1-logs', `dir/log-${ended.id}.txt`))?.size).toBeGreaterThan(20);
    expect((await run({ steps: [say('x')], logsBucket: 'nope' })).warnings?.[0]?.text).toContain('gs://nope/log-');
  });

  it('is not run when it was cancelled while it waited', async () => {
    const build = await bench.submit({ steps: [say('x')] });
    await bench.records.update(build.id, ['QUEUED'], { status: 'CANCELLED' });
    expect(await runBuild(build, bench.deps, new AbortController().signal)).toBeUndefined();
    expect(bench.held.ran).toEqual([]);
  });

  it('ends as INTERNAL_ERROR, with everything given back, when the fault is ours', async () => {
    const broken = { ...bench.deps.engine, rootfs: () => Promise.reject(new Error('disk on fire')) };
    const build = await bench.submit({ steps: [say('x')] });
    const ended = await runBuild(build, { ...bench.deps, engine: broken }, new AbortController().signal);
    expect(ended).toMatchObject({ status: 'INTERNAL_ERROR', statusDetail: 'internal error: disk on fire' });
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });
});
