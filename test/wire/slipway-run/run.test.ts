import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../../src/lib/retry.ts';
import { BOX, boxSource } from '../../cases/builds-steps/box-image.ts';
import { whyNoContainers } from '../../cases/containers/machine.ts';
import { TestServer } from '../server.ts';

const why = whyNoContainers();
const box = (script: string, more: object = {}) => ({ name: BOX, script, ...more });
const STEPS = [
  box('echo made > made.txt; ls', { id: 'make' }),
  box('cat made.txt; test -f fixed || exit 3', { id: 'test' }),
  box('echo the last', { id: 'last' }),
];

/** `slipway run` beside a server, and when it has been stopped. */
describe.skipIf(why !== undefined)(`slipway run${why === undefined ? '' : `: ${why}`}`, () => {
  let server: TestServer;
  let source: string;

  beforeAll(async () => {
    server = await TestServer.start();
    const folder = join(server.folder, 'box');
    mkdirSync(folder);
    await server.ok('build', '-q', '-t', BOX, '--push', boxSource(folder));
    source = await server.source('source', {
      'cloudbuild.yaml': JSON.stringify({ steps: STEPS }),
      'hang.yaml': JSON.stringify({ steps: [box('echo begun; sleep 100')] }),
      'wrong.yaml': JSON.stringify({ steps: [box('exit 4')] }),
      'good.yaml': JSON.stringify({
        steps: [
          box('echo "$_X $PROJECT" > out; cat out; test ! -e ignored', { env: ['_X=$_X', 'PROJECT=$PROJECT_ID'] }),
          { name: 'gcr.io/cloud-builders/docker', args: ['build', '-q', '-t', `${BOX}-run:1`, '.'] },
          box('wget -q -O - http://slipway.internal/v2/_catalog || echo no doors'),
        ],
        images: [`${BOX}-run:1`],
        substitutions: { _X: 'default' },
      }),
      Dockerfile: `FROM ${BOX}\nCOPY out /out\n`,
      '.gcloudignore': 'ignored\n',
      ignored: '',
    });
  });
  afterAll(() => server?.close());

  const slipway = (...args: string[]) => server.cli(['run', ...args]);
  const config = (name: string) => ['--config', join(source, name)];
  const left = () => ({
    builds: readdirSync(join(server.data, 'builds')).filter((name) => name.startsWith('run@')),
    run: readdirSync(join(server.data, 'run')),
    bridges: bridgesOf(server.data),
  });
  const NOTHING = { builds: [], run: [], bridges: [] };

  it('runs the build on a copy of the folder, pushes its images, and shows the log', async () => {
    const { code, stdout, stderr } = await slipway(source, ...config('good.yaml'), '--substitutions', '_X=given');
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(
      /^starting build "[0-9a-f-]+"\n\nFETCHSOURCE\nCopied \d+ files, .*\nBUILD\nStarting Step #0\n/,
    );
    expect(stdout).toContain('Step #0: given demo\n');
    expect(stdout).toContain('"demo/builders/box"');
    expect(stdout).toMatch(/\nPUSH\nPushing \S+box-run:1\n[\s\S]*\nDONE\n$/);
    expect(stderr).toMatch(/SUCCESS {2}[\d.]+ s\n {2}\S+box-run:1@sha256:/);
    expect(existsSync(join(source, 'out'))).toBe(false);
    expect(await server.ok('builds', 'list')).not.toContain('SUCCESS');
    expect(left()).toEqual(NOTHING);
  });

  it('keeps the workspace of a build that failed, and goes on in it', async () => {
    const failed = await slipway(source, ...config('cloudbuild.yaml'), '--keep-workspace');
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('failed: step exited with non-zero status: 3\n');
    const kept = /^Workspace kept: (.*)$/m.exec(failed.stderr)?.[1] ?? '';
    await writeFile(join(kept, 'fixed'), '');
    const again = await slipway(...config('cloudbuild.yaml'), '--workspace', kept, '--from-step', 'test');
    expect({ code: again.code, stdout: again.stdout }).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(/BUILD\nStarting Step #1 - "test"\n/);
    expect(again.stdout).toContain('Step #2 - "last": the last\n');
    expect(again.stdout).not.toContain('Step #0');
    expect(readFileSync(join(kept, 'made.txt'), 'utf8')).toBe('made\n');
  });

  it('runs one step alone, by number too, and pushes nothing', async () => {
    const { code, stdout } = await slipway(source, ...config('cloudbuild.yaml'), '--step', '2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/BUILD\nStarting Step #2 - "last"\n[\s\S]*Finished Step #2 - "last"\nDONE\n$/);
  });

  it.each([
    ['a step that there is not', ['--step', 'nope'], /there is no such step[\s\S]*1 test/],
    ['two choices of steps', ['--step', 'test', '--from-step', 'test'], /exclude each other/],
    ['a workspace that is not there', ['--workspace', '/no/such/folder'], /no such folder/],
  ])('refuses %s', async (_what, flags, says) => {
    const { code, stderr } = await slipway(...config('cloudbuild.yaml'), ...flags);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
  });

  it("gives a shell in a failed step's place, on a terminal", async () => {
    const command = [...server.program, 'run', source, ...config('wrong.yaml'), '--shell-on-failure'];
    const child = spawn('script', ['-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null'], {
      env: { ...process.env, SLIPWAY_DATA: server.data },
    });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    const exit = new Promise((resolve) => child.once('exit', resolve));
    await until(
      () => said.includes('/workspace #'),
      () => said,
    );
    child.stdin.write('echo "it is $HOME $((40 + 2))"; ls; exit\r');
    expect(await exit).toBe(1);
    expect(said).toContain('has failed with exit code 4');
    expect(said).toContain('it is /builder/home 42');
    expect(said).toContain('Dockerfile');
    expect(said).toContain('status: 4');
  });

  it('leaves nothing after Ctrl-C, with a server and without', async () => {
    expect(await interrupted('SIGINT')).toMatchObject({
      code: 130,
      said: expect.stringMatching(/CANCELLED\nERROR: context canceled\n/),
    });
    expect(left()).toEqual(NOTHING);
    await server.stop();
    expect(await interrupted('SIGINT')).toMatchObject({ code: 130 });
    expect(left()).toEqual(NOTHING);
  });

  it('builds the same without a server, and clears away what one that was killed has left', async () => {
    await interrupted('SIGKILL');
    expect(left().builds).toHaveLength(1);
    const { code, stdout } = await slipway(source, ...config('good.yaml'));
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Step #0: default demo\n') });
    expect(stdout).toContain('"demo/builders/box"');
    expect(left()).toEqual(NOTHING);
  });

  /** A build that hangs, when its step has begun. */
  async function interrupted(signal: NodeJS.Signals) {
    const [program = '', ...args] = [...server.program, 'run', source, ...config('hang.yaml')];
    const child = spawn(program, args, { env: { ...process.env, SLIPWAY_DATA: server.data } });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said += chunk;
      });
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await until(
      () => said.includes('begun'),
      () => said,
    );
    child.kill(signal);
    return { code: await exit, said };
  }
});

/** The data folder's tag is in the alias of each (start/runtime.ts). */
function bridgesOf(data: string): string[] {
  const tag = createHash('sha256').update(data).digest('hex').slice(0, 8);
  return readdirSync('/sys/class/net')
    .filter((name) => /^slw\d+$/.test(name))
    .filter((name) => existsSync(`/sys/class/net/${name}/ifalias`))
    .filter((name) => readFileSync(`/sys/class/net/${name}/ifalias`, 'utf8').includes(tag));
}

async function until(seen: () => boolean, said: () => string): Promise<void> {
  for (const end = Date.now() + 60_000; !seen(); await pause(50))
    if (Date.now() > end) throw new Error(`it did not come: ${said()}`);
}
