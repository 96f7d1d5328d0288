import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../../src/lib/retry.ts';
import { missingPrograms } from '../../wire/registry-image.ts';
import { type EndedBuild, TestServer } from '../../wire/server.ts';
import { whyNoContainers } from '../containers/machine.ts';
import { BOX, boxSource } from './box-image.ts';

const why = whyNoContainers();
const hasSkopeo = (await missingPrograms('skopeo')).length === 0;
const FLAVOR = `--header 'Metadata-Flavor: Google'`;
const METADATA = 'http://metadata.google.internal/computeMetadata/v1';

interface TimedStep {
  status: string;
  timing?: { startTime?: string; endTime?: string };
  pullTiming?: { startTime?: string; endTime?: string };
}

/** Steps of a build in real containers, beside what the hosted service promises of them. */
describe.skipIf(why !== undefined)(`steps in containers${why === undefined ? '' : `: ${why}`}`, () => {
  let server: TestServer;
  let count = 0;

  beforeAll(async () => {
    server = await TestServer.start({ config: 'builds:\n  disk: 30MB\n  maxLogBytes: 300000\n  concurrency: 4\n' });
    const folder = join(server.folder, 'box');
    mkdirSync(folder);
    await server.ok('build', '-q', '-t', BOX, '--push', boxSource(folder, hasSkopeo ? ['skopeo'] : []));
  });
  afterAll(() => server?.close());

  /** @param files beside the config */
  async function submit(config: object, files: Record<string, string> = {}) {
    const source = await server.source(`source-${++count}`, { 'cloudbuild.yaml': JSON.stringify(config), ...files });
    const { build, log } = await server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
    return { build: build as EndedBuild & { steps: TimedStep[] }, log };
  }
  const box = (script: string, more: object = {}) => ({ name: BOX, script, ...more });

  it('find each other by step_N and by id, from steps and from docker build', async () => {
    const serve =
      'mkdir /www; echo hello > /www/index.html; httpd -p 8080 -h /www; until test -e done; do sleep 0.1; done';
    const wait = (host: string) => `until wget -q -O - http://${host}:8080/index.html; do sleep 0.1; done`;
    const { build, log } = await submit(
      {
        steps: [
          box(serve, { id: 'web' }),
          box(`${wait('step_0')}; ${wait('web')}`, { id: 'asks', waitFor: ['-'] }),
          {
            name: 'gcr.io/cloud-builders/docker',
            args: ['build', '--network', 'cloudbuild', '-q', '-t', 'built', '.'],
            waitFor: ['-'],
            id: 'builds',
          },
          box('touch done', { waitFor: ['asks', 'builds'] }),
        ],
      },
      { Dockerfile: `FROM ${BOX}\nRUN ${wait('web')}\n` },
    );
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log.match(/^Step #1 - "asks": hello$/gm)).toHaveLength(2);
    expect(build.steps.map(({ status }) => status)).toEqual(Array(4).fill('SUCCESS'));
    expect(build.steps[0]?.pullTiming?.endTime).toBeDefined();
    expect(build.steps[3]?.timing?.endTime).toBeDefined();
  });

  it('learn from the metadata server who they are, and reach registry and buckets as that', async () => {
    const { build, log } = await submit({
      steps: [
        box(
          [
            `wget -q -O - ${FLAVOR} ${METADATA}/project/project-id; echo`,
            `wget -q -O - ${FLAVOR} http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/email; echo`,
            `wget -q -O token ${FLAVOR} ${METADATA}/instance/service-accounts/default/token`,
            'T=$(cut -d\\" -f4 token); echo "token $T"; cat /builder/home/.docker/config.json | head -c 20; echo',
            `wget -q -O - ${METADATA}/project/project-id || echo refused without the header`,
            'wget -q -O - $STORAGE_EMULATOR_HOST/v2/_catalog; echo',
            'wget -q -O - http://slipway.internal/v1/projects/demo/builds || echo no builds',
            'wget -q -O - http://slipway.internal/metrics || echo no metrics',
            `wget -T 2 -q -O - http://${server.host}/healthz || echo no port`,
          ].join('\n'),
        ),
      ],
    });
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toMatch(/^demo\n\d{12}@cloudbuild\.gserviceaccount\.com\ntoken \*\*\*$/m);
    expect(log).not.toContain('slw_');
    for (const said of ['refused without the header', '"demo/builders/box"', 'no builds', 'no metrics', 'no port'])
      expect(log).toContain(said);
  });

  it.skipIf(!hasSkopeo)('push and pull with skopeo as it is, by the names of the hosted registry', async () => {
    const copied = 'europe-central2-docker.pkg.dev/demo/builders/copied:1';
    const { build, log } = await submit({
      steps: [
        box(
          `skopeo copy -q docker://${BOX} docker://${copied} && skopeo inspect --format '{{.Name}}' docker://${copied}
          skopeo inspect docker://europe-central2-docker.pkg.dev/other/r/x`,
          { allowExitCodes: [1] },
        ),
      ],
    });
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toContain('\neurope-central2-docker.pkg.dev/demo/builders/copied\n');
    expect(log).toMatch(/denied: build [0-9a-f-]+ is no reader of other\/r\/x/);
  });

  it('run scripts, entrypoints and folders as the file says, and need no output', async () => {
    const { build, log } = await submit({
      steps: [
        box('#!/bin/busybox sh\necho "$0 in $PWD"', { dir: 'a/b' }),
        { name: BOX, entrypoint: 'sh', args: ['-c', 'echo $$PWD as $$HOME'], dir: '/opt/x' },
        box('test -e /var/run/docker.sock || echo no socket; ls -A /builder/outputs'),
      ],
      options: { dockerDaemon: 'NO_DOCKER' },
    });
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toContain('Step #0: /builder/script in /workspace/a/b\n');
    expect(log).toContain('Step #1: /opt/x as /builder/home\n');
    expect(log).toContain('Step #2: no socket\n');
  });

  it('fail with the words of the hosted service', async () => {
    const { build, log } = await submit({ steps: [box('exit 7'), box('true')] });
    expect(log).toMatch(
      /Finished Step #0\nERROR\nERROR: build step 0 "\S+box" failed: step exited with non-zero status: 7\n/,
    );
    expect(build).toMatchObject({ status: 'FAILURE', steps: [{ status: 'FAILURE' }, { status: 'QUEUED' }] });
    const late = await submit({ steps: [box('sleep 30', { timeout: '0.5s' })] });
    expect(late.build).toMatchObject({ status: 'TIMEOUT', steps: [{ status: 'TIMEOUT' }] });
    expect(late.log).toMatch(/TIMEOUT\nERROR: build step 0 .* context deadline exceeded\n/);
  });

  it('end when they fill more than their disk, with what fills it', async () => {
    const { build, log } = await submit({
      steps: [box('dd if=/dev/zero of=big bs=1M count=60 2>&1; sleep 60')],
    });
    expect(build.status).toBe('FAILURE');
    expect(log).toMatch(
      /ERROR: no space left: the build's files take 6\d.*MB .*in \/workspace\), and it may use 30 MB\n/,
    );
    expect(log).toContain('builds.disk');
  });

  it('may print without end: the log has a bound, and says so', async () => {
    const { build, log } = await submit({ steps: [box('yes | head -c 3000000; echo the end'), box('echo after')] });
    expect(build.status).toBe('SUCCESS');
    expect(log.length).toBeLessThan(400_000);
    expect(log).toMatch(
      /\nThe log has reached 300 kB .*: what steps write from here on is not kept\.\nFinished Step #0\n/,
    );
    expect(log).toMatch(/Finished Step #1\nPUSH\nDONE\n/);
  });

  it('have the limits of their machine type together, and leave nothing when their process is killed', async () => {
    const source = await server.source('killed', {
      'cloudbuild.yaml': JSON.stringify({ steps: [box('sleep 100')], options: { machineType: 'E2_MEDIUM' } }),
    });
    const id = await server.submitAsync(source, '--config', join(source, 'cloudbuild.yaml'));
    const group = await found(() => groupsOf(id)[0]);
    const limit = ['memory.limit_in_bytes', 'memory.max'].map((file) =>
      textOf(`/sys/fs/cgroup/memory/${group}/${file}`),
    );
    if (readdirSync('/sys/fs/cgroup').includes('memory')) expect(limit).toContain(String(4 * 2 ** 30));
    const bridge = await found(() => bridgesOf(id)[0]);
    const worker = Number(/@[0-9a-f]+\.(\d+)\./.exec(group)?.[1]);
    process.kill(worker, 'SIGKILL');
    await found(async () => ((await server.build(id)).status === 'INTERNAL_ERROR' ? true : undefined));
    expect({ groups: groupsOf(id), bridges: bridgesOf(id) }).toEqual({ groups: [], bridges: [] });
    expect(execFileSync('nft', ['list', 'tables']).toString()).not.toContain(`slipway_${bridge}\n`);
    expect(readdirSync(join(server.data, 'builds')).filter((name) => name.includes(id))).toEqual([]);
  });
});

async function found<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const until = Date.now() + 30_000; Date.now() < until; await pause(100)) {
    const seen = await look();
    if (seen !== undefined) return seen;
  }
  throw new Error('it did not come');
}

function groupsOf(build: string): string[] {
  const root = readdirSync('/sys/fs/cgroup').includes('memory') ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
  return readdirSync(root).filter((name) => name.includes(`group-${build}`));
}

function bridgesOf(build: string): string[] {
  return readdirSync('/sys/class/net')
    .filter((name) => /^slw\d+$/.test(name))
    .filter((name) => textOf(`/sys/class/net/${name}/ifalias`).includes(build));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
