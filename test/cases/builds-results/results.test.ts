import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BuildRequest, BuildStepRequest } from '../../../src/builds/request/request.ts';
import { logPlaceOf } from '../../../src/builds/run/log-place.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { withLogBucket } from '../../../src/stores/buckets/with-log-bucket.ts';
import { withRunningLogs } from '../../../src/stores/buckets/with-running-logs.ts';
import { NOTHING_LEFT, openBench } from '../build-log/build-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await bench.buckets.createBucket({ name: 'results', project: 'p1', location: 'EU' });
});
afterEach(() => bench.close());

const make = (...paths: string[]): BuildStepRequest => ({ name: 'busybox', args: ['make', ...paths] });

async function ran(request: BuildRequest, deps = bench.deps) {
  const build = await bench.submit(request);
  const ended = await runBuild(build, deps, new AbortController().signal);
  if (ended === undefined) throw new Error('it did not run');
  return { ended, log: (await bench.logOf(build.id)) ?? '' };
}

async function read(name: string, bucket = 'results'): Promise<string> {
  const object = await bench.buckets.stat(bucket, name);
  return object === undefined ? '' : text(await bench.buckets.open(object));
}

async function names(): Promise<string[]> {
  return (await bench.buckets.list('results', { limit: 100 })).objects.map((object) => object.name);
}

describe('artifacts.objects', () => {
  it('are uploaded under their paths, with a manifest of what they are, in the lines that Cloud Build writes', async () => {
    const { ended, log } = await ran({
      steps: [make('dist/app.js', 'dist/maps/app.js.map', 'report.txt', 'other.txt')],
      artifacts: { objects: { location: 'gs://results/nightly/', paths: ['dist/**', 'report.*'] } },
    });
    const manifest = `artifacts-${ended.id}.json`;
    expect(ended).toMatchObject({
      status: 'SUCCESS',
      results: {
        artifactManifest: `gs://results/nightly/${manifest}`,
        numArtifacts: '3',
        artifactTiming: { startTime: expect.any(String), endTime: expect.any(String) },
      },
    });
    expect(await names()).toEqual([
      `nightly/${manifest}`,
      'nightly/dist/app.js',
      'nightly/dist/maps/app.js.map',
      'nightly/report.txt',
    ]);
    expect(await read('nightly/dist/app.js')).toBe('dist/app.js');
    const lines = (await read(`nightly/${manifest}`)).trimEnd().split('\n');
    const object = await bench.buckets.stat('results', 'nightly/dist/app.js');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      location: `gs://results/nightly/dist/app.js#${object?.generation}`,
      file_hash: [{ file_hash: [{ type: 2, value: object?.md5 }] }],
    });
    expect(log).toContain(
      [
        'PUSH',
        'Artifacts will be uploaded to gs://results/nightly/ using gsutil cp',
        'dist/**: Uploading path....',
        'dist/**: 2 matching files uploaded',
        'report.*: Uploading path....',
        'report.*: 1 matching files uploaded',
        '3 total artifacts uploaded to gs://results/nightly/',
        `Uploading manifest ${manifest}`,
        `Artifact manifest located at gs://results/nightly/${manifest}`,
        'DONE\n',
      ].join('\n'),
    );
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  const patterns: [pattern: string, uploaded: string[]][] = [
    ['*.txt', ['a.txt', 'b.txt']],
    ['**.txt', ['a.txt', 'b.txt', 'dist/c.txt', 'dist/deep/d.txt']],
    ['dist/*', ['dist/c.txt', 'dist/deep/d.txt', 'dist/e.js']],
    ['dist', ['dist/c.txt', 'dist/deep/d.txt', 'dist/e.js']],
    ['./dist/', ['dist/c.txt', 'dist/deep/d.txt', 'dist/e.js']],
    ['/workspace/dist/e.js', ['dist/e.js']],
    ['[ab].txt', ['a.txt', 'b.txt']],
    ['dist/?.js', ['dist/e.js']],
    ['.hidden', ['.hidden']],
  ];
  it.each(patterns)('by %s are %j', async (pattern, uploaded) => {
    const { ended } = await ran({
      steps: [make('a.txt', 'b.txt', 'dist/c.txt', 'dist/deep/d.txt', 'dist/e.js', '.hidden')],
      artifacts: { objects: { location: 'gs://results', paths: [pattern] } },
    });
    expect(ended.status).toBe('SUCCESS');
    expect((await names()).filter((name) => !name.startsWith('artifacts-'))).toEqual(uploaded);
  });

  it('are not what links out of the workspace lead to', async () => {
    const { ended } = await ran({
      steps: [make('real.txt'), { name: 'busybox', args: ['link', '/etc/passwd', 'out.txt', 'real.txt', 'in.txt'] }],
      artifacts: { objects: { location: 'gs://results', paths: ['*'] } },
    });
    expect(ended.results?.numArtifacts).toBe('2');
    expect(await read('in.txt')).toBe('real.txt');
    expect(await bench.buckets.stat('results', 'out.txt')).toBeUndefined();
  });

  it('that are not there fail the build, and what is there is named', async () => {
    const { ended, log } = await ran({
      steps: [make('dist/app.mjs', 'dist/maps/a.map')],
      artifacts: { objects: { location: 'gs://results', paths: ['dist/*.js'] } },
    });
    expect(ended).toMatchObject({
      status: 'FAILURE',
      failureInfo: {
        type: 'PUSH_FAILED',
        detail: 'error uploading artifacts to gs://results: no file matches "dist/*.js"',
      },
    });
    expect(log).toContain('/workspace/dist holds app.mjs, maps/ when the steps have ended.');
  });

  it.each(['gs://nowhere/x', 'gs://foreign'])('for %s end the build before its first step', async (location) => {
    await bench.buckets.createBucket({ name: 'foreign', project: 'p2', location: 'EU' });
    const { ended, log } = await ran({ steps: [make('a')], artifacts: { objects: { location, paths: ['a'] } } });
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'PUSH_FAILED' } });
    expect(log).toContain('gcloud storage buckets create gs://');
    expect(bench.held.ran).toEqual([]);
  });

  const refused: [what: string, artifacts: BuildRequest['artifacts'], message: string, hint: string][] = [
    ['npm', { npmPackages: [{ packagePath: '.' }] }, 'artifacts.npmPackages is not supported', 'npm, args: [publish]'],
    ['python', { pythonPackages: [{ paths: ['dist/*'] }] }, 'artifacts.pythonPackages', 'twine'],
    ['maven', { mavenArtifacts: [{ path: 'a.jar' }] }, 'artifacts.mavenArtifacts', 'mvn'],
    ['go', { goModules: [{ modulePath: 'm' }] }, 'artifacts.goModules', 'artifacts.objects'],
  ];
  it.each(refused)('of other kinds are refused before anything runs: %s', async (_what, artifacts, message, hint) => {
    await expect(bench.submit({ steps: [make('a')], artifacts })).rejects.toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });
});

describe('a push', () => {
  const request: BuildRequest = {
    steps: [
      { name: 'gcr.io/cloud-builders/docker', args: ['build', '-t', 'registry.test/a:1', 'https://a.test/c.tgz'] },
    ],
    images: ['registry.test/a:1'],
  };

  /** The bench's engine, whose first pushes fail. */
  function failing(times: number, problem: Problem): typeof bench.deps {
    const { engine } = bench.deps;
    let left = times;
    return {
      ...bench.deps,
      engine: {
        ...engine,
        push: async (...args) => {
          if (left-- > 0) throw problem;
          return engine.push(...args);
        },
      },
    };
  }

  it('is tried again when the registry could not be reached', async () => {
    const { ended, log } = await ran(
      request,
      failing(1, new Problem('unavailable', 'registry.test: connection reset')),
    );
    expect(ended.status).toBe('SUCCESS');
    expect(ended.results?.images?.[0]).toMatchObject({
      name: 'registry.test/a:1',
      digest: expect.stringMatching(/^sha256:/),
      pushTiming: { startTime: expect.any(String), endTime: expect.any(String) },
    });
    expect(log).toContain('ERROR: push attempt 1 detected failure, retrying: registry.test: connection reset\nPushing');
  });

  it('fails the build when it never can', async () => {
    const { ended, log } = await ran(request, failing(9, new Problem('unavailable', 'registry.test: no route')));
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'PUSH_FAILED' } });
    expect(log).toContain('push attempt 2 detected failure');
    expect(log).toContain('ERROR: failed to push because we ran out of retries.');
  });

  it('is not tried again when it was refused', async () => {
    const { ended, log } = await ran(request, failing(1, new Problem('denied', 'denied: no right')));
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'PUSH_NOT_AUTHORIZED' } });
    expect(log).not.toContain('push attempt');
  });

  it('of an image that no step made fails as such', async () => {
    const { ended } = await ran({ ...request, images: ['registry.test/b:1'] });
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'PUSH_IMAGE_NOT_FOUND' } });
  });
});

describe('the log', () => {
  it('of a build that wants none is empty and closed, and the result says what happened', async () => {
    const { ended, log } = await ran({
      steps: [{ name: 'busybox', args: ['exit', '3'] }],
      options: { logging: 'NONE' },
    });
    expect(log).toBe('');
    expect(await bench.logs.info(ended.id)).toMatchObject({ closed: true, readable: 0 });
    expect(ended.failureInfo).toEqual({
      type: 'USER_BUILD_STEP',
      detail: 'Build step failure: build step 0 "busybox" failed: step exited with non-zero status: 3',
    });
  });

  it('is copied to the bucket that was named, and a warning says when it could not be', async () => {
    const { ended, log } = await ran({ steps: [make('a')], logsBucket: 'gs://results/logs' });
    expect(await read(`logs/log-${ended.id}.txt`)).toBe(log);
    const without = await ran({ steps: [make('a')], logsBucket: 'gs://nowhere' });
    expect(without.ended).toMatchObject({
      status: 'SUCCESS',
      warnings: [
        { priority: 'WARNING', text: expect.stringContaining('the log could not be copied to gs://nowhere/') },
      ],
    });
  });
});

describe('a log that is being written', () => {
  /** The buckets as clients see them, with the log of a build that runs. */
  async function running(request: BuildRequest) {
    const build = await bench.submit({ steps: [make('a')], ...request });
    const placeOf = async (id: string) => {
      const record = await bench.records.get(id);
      return record === undefined ? undefined : logPlaceOf(record.build);
    };
    const shown = withRunningLogs(withLogBucket(bench.buckets, bench.logs, 'logs'), bench.logs, 'logs', placeOf);
    const writer = bench.logs.writer(build.id);
    writer.append('starting build\nhalf a li');
    await new Promise(setImmediate);
    return { id: build.id, shown, writer };
  }

  it('is in the bucket that was named while it grows', async () => {
    const { id, shown, writer } = await running({ logsBucket: 'gs://results/logs' });
    const name = `logs/log-${id}.txt`;
    const object = await shown.stat('results', name);
    expect(object).toMatchObject({ bucket: 'results', name, size: 15 });
    if (object !== undefined) expect(await text(await shown.open(object))).toBe('starting build\n');
    expect(await shown.stat('results', `log-${id}.txt`)).toBeUndefined();
    expect(await shown.stat('elsewhere', name)).toBeUndefined();
    if (object !== undefined) await shown.copy(object, 'results', 'copy.txt');
    expect(await read('copy.txt')).toBe('starting build\n');
    await writer.close();
  });

  it("is not shown in another project's bucket", async () => {
    await bench.buckets.createBucket({ name: 'foreign', project: 'p2', location: 'EU' });
    const { id, shown, writer } = await running({ logsBucket: 'gs://foreign' });
    expect(await shown.stat('foreign', `log-${id}.txt`)).toBeUndefined();
    await writer.close();
  });

  it('is nowhere before its end when it is not to be streamed', async () => {
    const options = { logStreamingOption: 'STREAM_OFF' as const };
    const { id, shown, writer } = await running({ options });
    expect(await shown.stat('logs', `log-${id}.txt`)).toBeUndefined();
    await writer.close();
    expect(await shown.stat('logs', `log-${id}.txt`)).toMatchObject({ size: 25 });
    const own = await running({ options, logsBucket: 'gs://results' });
    expect(await own.shown.stat('results', `log-${own.id}.txt`)).toBeUndefined();
    await own.writer.close();
  });
});

describe('a build', () => {
  it('has the times of all its phases, in order', async () => {
    const { ended } = await ran({
      steps: [make('a')],
      artifacts: { objects: { location: 'gs://results', paths: ['a'] } },
    });
    const spans = ['SETUPBUILD', 'BUILD', 'PUSH'].map((phase) => ended.timing?.[phase as 'BUILD']);
    const times = spans.flatMap((span) => [span?.startTime ?? '', span?.endTime ?? '']);
    expect(times.every((time) => time !== '')).toBe(true);
    expect([...times].sort()).toEqual(times);
  });

  it('that wants to be verified has the provenance of its images made', async () => {
    const made: (string | undefined)[] = [];
    const { engine } = bench.deps;
    const watched: typeof engine = {
      ...engine,
      build: async (request, ...rest) => {
        made.push(request.provenance);
        return engine.build(request, ...rest);
      },
    };
    const step = { name: 'gcr.io/cloud-builders/docker', args: ['build', '-t', 'a', 'https://a.test/c.tgz'] };
    const deps = { ...bench.deps, engine: watched };
    await ran({ steps: [step] }, deps);
    await ran({ steps: [step], options: { requestedVerifyOption: 'VERIFIED' } }, deps);
    await ran(
      {
        steps: [{ ...step, args: ['build', '--provenance=mode=max', ...step.args.slice(1)] }],
        options: { requestedVerifyOption: 'VERIFIED' },
      },
      deps,
    );
    expect(made).toEqual([undefined, 'min', 'max']);
  });
});
