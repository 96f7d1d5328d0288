import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { NOTHING_LEFT, openBench } from '../build-log/build-bench.ts';

const VALUE = 'hush-3f9b1c77a2';
const KEY = 'BEGIN\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nEND OF IT\n';
const NAME = { project: 'p1', secret: 'npm-token' };

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await keep('npm-token', VALUE);
});
afterEach(() => bench.close());

async function keep(secret: string, value: string, project = 'p1'): Promise<void> {
  await bench.secrets.create({ project, secret }, 'test');
  await bench.secrets.addVersion({ project, secret }, Buffer.from(value).toString('base64'), 'test');
}

/** A build of one step that is given one secret as TOKEN. */
function request(args: string[], versionName = 'projects/p1/secrets/npm-token/versions/latest'): BuildRequest {
  return {
    steps: [{ name: 'busybox', args, secretEnv: ['TOKEN'] }],
    availableSecrets: { secretManager: [{ versionName, env: 'TOKEN' }] },
  };
}

async function ran(asked: BuildRequest) {
  const build = await bench.submit(asked);
  const ended = await runBuild(build, bench.deps, new AbortController().signal);
  const record = await bench.records.get(build.id);
  return { ended, log: (await bench.logOf(build.id)) ?? '', record: JSON.stringify(record) };
}

describe('a secret of a build', () => {
  it('reaches the steps that name it, in what is never written to a disk, and no other step', async () => {
    const asked = request(['say', 'a']);
    const { ended } = await ran({ ...asked, steps: [...(asked.steps ?? []), { name: 'busybox', args: ['env'] }] });
    expect(ended?.status).toBe('SUCCESS');
    expect(bench.held.ran.map((spec) => spec.secretEnv ?? [])).toEqual([[`TOKEN=${VALUE}`], []]);
    expect(JSON.stringify(bench.held.ran.map(({ env, args }) => ({ env, args })))).not.toContain(VALUE);
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('reaches every step when the options name it', async () => {
    const { availableSecrets } = request([]);
    await ran({
      steps: [
        { name: 'busybox', args: ['env'] },
        { name: 'busybox', args: ['env'] },
      ],
      options: { secretEnv: ['TOKEN'] },
      availableSecrets,
    });
    expect(bench.held.ran.map((spec) => spec.secretEnv)).toEqual([[`TOKEN=${VALUE}`], [`TOKEN=${VALUE}`]]);
  });

  it('is masked in the log, however it is written, and in no record', async () => {
    const { ended, log, record } = await ran(request(['reveal']));
    expect(ended?.status).toBe('SUCCESS');
    expect(log.match(/^TOKEN=\*\*\*$/gm)).toHaveLength(2);
    expect(log + record).not.toContain(VALUE);
  });

  it('is masked line by line', async () => {
    await keep('key', KEY);
    const { log } = await ran(request(['reveal'], 'projects/p1/secrets/key/versions/1'));
    for (const line of KEY.trim().split('\n')) expect(log).not.toContain(line);
    expect(log).toContain('TOKEN=***\n');
  });

  it('is masked in outputs and in what is said of a failure', async () => {
    const { ended } = await ran(request(['leak']));
    const [output = ''] = ended?.results?.buildStepOutputs ?? [];
    expect(Buffer.from(output, 'base64').toString()).toBe('TOKEN=***');
    const failed = await ran(request([VALUE]));
    expect(failed.ended?.failureInfo?.detail).toContain('exec: "***": executable file not found');
    expect(failed.log + JSON.stringify(failed.ended?.failureInfo)).not.toContain(VALUE);
  });

  it('says that a short one is not masked', async () => {
    await keep('pin', '123');
    const { log } = await ran(request(['say', 'x'], 'projects/p1/secrets/pin/versions/1'));
    expect(log).toContain('The value of TOKEN is too short to be masked in this log.\n');
  });

  it('is found by the number of the project, too, and every access is on record', async () => {
    const { projectNumber } = await import('../../../src/builds/project-number.ts');
    const { ended } = await ran(request(['say', 'a'], `projects/${projectNumber('p1')}/secrets/npm-token/versions/1`));
    expect(ended?.status).toBe('SUCCESS');
    expect((await bench.secrets.events('p1', 'npm-token', 1))[0]).toMatchObject({
      actor: `build:${ended?.id}`,
      action: 'access',
      version: 1,
    });
  });

  it('is warned of when an image would carry it', async () => {
    const { ended, log } = await ran({
      ...request([]),
      steps: [
        {
          name: 'gcr.io/cloud-builders/docker',
          args: ['build', '--build-arg', 'TOKEN', '-t', 'app', 'https://example.test/context.tar.gz'],
          secretEnv: ['TOKEN'],
        },
      ],
    });
    expect(ended?.warnings?.map(({ text }) => text)).toEqual([
      expect.stringContaining('--build-arg TOKEN puts the secret TOKEN into the image'),
    ]);
    expect(log).toContain('WARNING: --build-arg TOKEN puts the secret TOKEN into the image');
    expect(log).not.toContain(VALUE);
  });
});

describe('a build ends before its first step', () => {
  const cases: [why: string, versionName: string, message: string, advice: string][] = [
    [
      'without the secret',
      'projects/p1/secrets/other/versions/latest',
      'failed to access secret version projects/p1/secrets/other/versions/latest: there is no secret other in project p1',
      'slipway secret create other',
    ],
    [
      'without the version',
      'projects/p1/secrets/npm-token/versions/7',
      'projects/p1/secrets/npm-token/versions/7 is not there',
      'slipway secret versions npm-token',
    ],
    [
      "with another project's secret",
      'projects/p2/secrets/npm-token/versions/latest',
      'it belongs to another project; this build runs in p1',
      'slipway secret create npm-token --project p1',
    ],
  ];
  it.each(cases)('%s', async (_why, versionName, message, advice) => {
    await keep('npm-token', 'of another', 'p2');
    const { ended, log } = await ran(request(['say', 'a'], versionName));
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { detail: expect.stringContaining(message) } });
    expect(log).toContain(advice);
    expect(bench.held.ran).toEqual([]);
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('with a disabled version', async () => {
    await bench.secrets.setState(NAME, 1, 'DISABLED', 'test');
    const { ended, log } = await ran(request(['say', 'a']));
    expect(ended?.failureInfo?.detail).toContain('projects/p1/secrets/npm-token/versions/1 is disabled');
    expect(log).toContain('slipway secret enable npm-token 1');
  });

  it('with more than the mask of a log can hold', async () => {
    await keep('large', 'x'.repeat(65_536));
    const versionName = 'projects/p1/secrets/large/versions/1';
    const envs = Array.from({ length: 17 }, (_, i) => `TOKEN${i}`);
    const { ended } = await ran({
      steps: [{ name: 'busybox', args: ['say', 'a'], secretEnv: envs }],
      availableSecrets: { secretManager: envs.map((env) => ({ versionName, env })) },
    });
    expect(ended?.failureInfo?.detail).toMatch(/^the secrets of this build are longer than 1.* together$/);
  });

  it('with bytes that no variable can carry', async () => {
    await keep('binary', 'a\0b');
    const { ended, log } = await ran(request(['say', 'a'], 'projects/p1/secrets/binary/versions/1'));
    expect(ended?.failureInfo?.detail).toContain('holds bytes that no environment variable can carry');
    expect(log).toContain('base64');
  });
});

describe('a request is refused', () => {
  const step = { name: 'busybox', secretEnv: ['TOKEN'] };
  const kms = 'projects/p1/locations/global/keyRings/r/cryptoKeys/k';
  const cases: [why: string, more: BuildRequest, message: string, hint: string][] = [
    [
      'whose values a key of the cloud encrypted',
      { availableSecrets: { inline: [{ kmsKeyName: kms, envMap: { TOKEN: 'Q2lwaGVy' } }] } },
      'invalid build: availableSecrets.inline is not supported by this server',
      'slipway secret create token',
    ],
    [
      'that has them in the older field',
      { secrets: [{ kmsKeyName: kms, secretEnv: { TOKEN: 'Q2lwaGVy' } }] },
      'invalid build: secrets is not supported by this server',
      'versionName: projects/$PROJECT_ID/secrets/token/versions/latest',
    ],
    [
      'that names no version',
      { availableSecrets: { secretManager: [{ versionName: 'npm-token', env: 'TOKEN' }] } },
      '"npm-token" does not name a version of a secret',
      'projects/PROJECT/secrets/SECRET/versions/VERSION',
    ],
  ];
  it.each(cases)('%s', async (_why, more, message, hint) => {
    await expect(bench.submit({ steps: [step], ...more })).rejects.toMatchObject({
      message,
      hint: expect.stringContaining(hint),
    });
  });
});
