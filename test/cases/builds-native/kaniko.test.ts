import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kaniko } from '../../../src/builds/kaniko/kaniko.ts';
import type { ImageBuildRequest } from '../../../src/engine/request.ts';
import { runOk } from '../../../src/lib/run.ts';
import { openNativeStep } from './native-step.ts';

const API = 'europe-central2-docker.pkg.dev/p1/r/api';

let step: Awaited<ReturnType<typeof openNativeStep>>;
let asked: ImageBuildRequest[];
let seen: string[];
beforeEach(async () => {
  step = await openNativeStep();
  asked = [];
  seen = [];
  await step.bench.buckets.createBucket({ name: 'models', project: 'p1', location: 'EU' });
});
afterEach(() => step.close());

const run = (...args: string[]) => {
  const { engine } = step.bench.deps;
  const build: typeof engine.build = async (request, caller) => {
    asked.push(request);
    if (request.context.kind === 'folder' && 'path' in request.dockerfile)
      seen.push(await readFile(join(request.context.path, request.dockerfile.path), 'utf8'));
    return await engine.build(request, caller);
  };
  return step.run(kaniko, args, { engine: { ...engine, build }, env: { TOKEN: 't' } });
};

it('serves what gcloud builds submit --tag sends with use_kaniko', async () => {
  await step.write('Dockerfile', 'FROM busybox\n');
  const { code, out, err } = await run('--destination', `${API}:1`, '--cache', '--cache-ttl', '6h', '--cache-dir', '');
  expect({ code, out }).toEqual({ code: 0, out: '' });
  expect(err.replace(/sha256:[0-9a-f]{64}/, 'DIGEST').split('\n')).toEqual([
    'INFO[0000] --cache-ttl 6h: layers are kept as long as cache.maxAgeDays of this server says',
    'INFO[0000] Retrieving image manifest busybox',
    `INFO[0000] Pushing image to ${API}:1`,
    `INFO[0000] Pushed ${API}@DIGEST`,
    '',
  ]);
  expect(asked[0]).toMatchObject({ noCache: false, targets: [{ tags: [`${API}:1`] }] });
});

it('hands arguments, labels, target and platform on', async () => {
  await step.write('docker/api.Dockerfile', 'FROM busybox AS api\n');
  const line = `-f docker/api.Dockerfile --context=dir:///workspace --build-arg A=1 --build-arg TOKEN --label l=v --target api --custom-platform linux/arm64 --cache=false --reproducible --snapshotMode=redo --use-new-run --push-retry 3 --skip-tls-verify -d ${API}:1 --destination=${API}`;
  expect((await run(...line.split(' '))).code).toBe(0);
  expect(asked[0]).toMatchObject({
    buildArgs: { SOURCE_DATE_EPOCH: '0', A: '1', TOKEN: 't' },
    labels: { l: 'v' },
    targets: [{ stage: 'api', tags: [`${API}:1`, `${API}:latest`] }],
    platform: { os: 'linux', architecture: 'arm64' },
    noCache: true,
  });
  expect(seen).toEqual(['FROM busybox AS api\n']);
});

it('writes digests and does not push', async () => {
  await step.write('Dockerfile', 'FROM busybox\n');
  const { code, err } = await run(
    '--no-push',
    ...['--destination', `${API}:1`, '--destination', 'team/api:2'],
    ...[
      '--digest-file',
      'out/digest',
      '--image-name-with-digest-file=out/names',
      '--image-name-tag-with-digest-file=out/tags',
    ],
  );
  expect({ code, err }).toMatchObject({
    code: 0,
    err: expect.stringMatching(/Skipping push .* due to --no-push flag\n$/),
  });
  const digest = await step.read('out/digest');
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await step.read('out/names')).toBe(`${API}@${digest}\nindex.docker.io/team/api@${digest}\n`);
  expect(await step.read('out/tags')).toBe(`${API}:1@${digest}\nindex.docker.io/team/api:2@${digest}\n`);
});

it.each([
  ['gs://models/ctx.tar.gz', []],
  ['gs://models/ctx.tar.gz', ['--context-sub-path', 'app']],
  ['tar:///workspace/ctx.tar.gz', ['--context-sub-path=app']],
])('unpacks %s %j', async (context, more) => {
  await mkdir(join(step.folder, 'workspace/src/app'), { recursive: true });
  await step.write('src/Dockerfile', 'FROM root\n');
  await step.write('src/app/Dockerfile', 'FROM app\n');
  await runOk('tar', [
    '-C',
    join(step.folder, 'workspace/src'),
    '-czf',
    join(step.folder, 'workspace/ctx.tar.gz'),
    '.',
  ]);
  await step.put('ctx.tar.gz', await readFile(join(step.folder, 'workspace/ctx.tar.gz')));
  expect(await run('--context', context, ...more, '--no-push')).toMatchObject({ code: 0 });
  expect(seen).toEqual([more.length === 0 ? 'FROM root\n' : 'FROM app\n']);
});

it.each([
  ['git://github.com/acme/app.git#refs/heads/main#abc', [], 'https://github.com/acme/app.git#abc'],
  ['git://github.com/acme/app#refs/tags/v1', ['--context-sub-path', 'api'], 'https://github.com/acme/app.git#v1:api'],
  ['https://files.lab/ctx.tar.gz', [], 'https://files.lab/ctx.tar.gz'],
])('%s %j is fetched by the engine', async (context, more, url) => {
  await run('--context', context, ...more, '--no-push');
  expect(asked[0]).toMatchObject({ context: { kind: 'url', url }, dockerfile: { path: 'Dockerfile' } });
});

it.each([
  [[], 'Error: you must provide --destination, or use --no-push\n'],
  [
    ['--no-push', '--image-name-with-digest-file=x'],
    'Error: you must provide --destination if setting ImageNameDigestFile\n',
  ],
  [['--no-such-flag'], 'Error: unknown flag: --no-such-flag\n'],
  [['--cache', 'true', '-d', API], 'Error: unknown command "true" for "executor"\n'],
  [
    ['--no-push', '--context=s3://b/x.tar.gz'],
    /^error resolving source context: --context=s3:.*not taken from there\nA context is a folder/,
  ],
  [
    ['--no-push', '--context=gs://models/none.tar.gz'],
    /^error resolving source context: gs:\/\/models\/none\.tar\.gz: no such object\n$/,
  ],
  [
    ['--no-push'],
    /^error resolving dockerfile path: please provide a valid path to a Dockerfile within the build context/,
  ],
])('%j is refused in kaniko words', async (args, expected) => {
  const { code, err } = await run(...args);
  expect({ code, err }).toEqual({
    code: 1,
    err: typeof expected === 'string' ? expected : expect.stringMatching(expected),
  });
});

it('follows no link of an archive out of it', async () => {
  await mkdir(join(step.folder, 'workspace/src'), { recursive: true });
  await runOk('ln', ['-s', '/etc', join(step.folder, 'workspace/src/out')]);
  await runOk('tar', ['-C', join(step.folder, 'workspace/src'), '-cf', join(step.folder, 'workspace/ctx.tar'), '.']);
  const { code, err } = await run(
    '--context=tar:///workspace/ctx.tar',
    '--context-sub-path=out',
    '-f',
    'passwd',
    '--no-push',
  );
  expect({ code, seen }).toEqual({ code: 1, seen: [] });
  expect(err).toMatch(/^error resolving/);
});
