import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/lib/run.ts';
import { slipway, TestServer } from '../../wire/server.ts';

/** Mistakes at the command line and on the machine: what the person sees, and what the shell learns. */
describe('mistakes around the server', () => {
  let server: TestServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-mistakes-'));
    server = await TestServer.start();
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const said = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { code, stdout, stderr } = await slipway(args, {
      cwd: folder,
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
    expect(stdout + stderr).not.toMatch(/^ +at .*(:\d+:\d+|<anonymous>)/m);
    return { code, text: (stdout + stderr).trim() };
  };

  it('a port that is taken', async () => {
    expect(await said(['serve', '--data', join(folder, 'other'), '--listen', server.host])).toEqual({
      code: 1,
      text: expect.stringMatching(
        new RegExp(`error: ${server.host} is taken by another process\\n\\n  See who has it with .*ss -ltnp.*--listen`),
      ),
    });
  });

  it('a data folder that has an owner', async () => {
    const { code, text } = await said(['serve', '--data', server.data, '--listen', '127.0.0.1:0']);
    expect(code).toBe(1);
    expect(text).toContain(server.data);
    expect(text).toMatch(new RegExp(`error: .*\\b${server.pid}\\b`));
    expect(text).toMatch(/\n\n {2}\w/); // what to do next
  });

  it('a setting that nobody knows', async () => {
    const data = join(folder, 'wrong');
    await mkdir(data);
    await run('sh', ['-c', `printf 'builds:\\n  concurency: 4\\n' > ${data}/slipway.yaml`]);
    const { code, text } = await said(['serve', '--data', data, '--listen', '127.0.0.1:0']);
    expect(code).toBe(1);
    expect(text).toMatch(/unknown setting builds\.concurency[\s\S]*slipway\.yaml:2:3/);
  });

  it.each([
    [['submit', '.', '--asink'], /unknown option '--asink'[\s\S]*Did you mean --async/],
    [['sumbit', '.'], /unknown command 'sumbit'[\s\S]*Did you mean submit/],
    [['builds', 'destroy'], /destroy/],
    [['builds', 'log'], /\bid\b|which build/],
    [['token', 'create', '--role', 'god'], /--role[\s\S]*reader, writer, admin/],
    [['copy', 'one'], /missing required argument 'target'/],
    [['submit', '.', '--substitutions', 'KEY'], /"KEY" is not KEY=VALUE/],
  ])('a command that was used wrongly: %j', async (args, expected) => {
    const { code, text } = await said(['--data', server.data, ...args]);
    expect(text).toMatch(expected);
    expect(code).toBe(2);
  });

  it.each([[['submit', '.']], [['builds', 'list']], [['env']], [['status']], [['seed']]])(
    'no server for %j',
    async (args) => {
      await run('sh', ['-c', `printf 'steps:\\n- name: busybox\\n' > ${folder}/cloudbuild.yaml`]);
      const { code, text } = await said(['--data', join(folder, 'nobody'), ...args]);
      expect(text).toMatch(/no server answers at .*slipway\.sock\n\n {2}Start one with `slipway serve`/);
      expect(code).toBe(3);
    },
  );

  it('a token that is wrong', async () => {
    const file = join(folder, 'token');
    await run('sh', ['-c', `echo slw_nobody > ${file}`]);
    await chmod(file, 0o600);
    const { code, text } = await said(['builds', 'list'], { SLIPWAY_URL: server.url, SLIPWAY_TOKEN_FILE: file });
    expect(code).toBe(1);
    expect(text).toMatch(/^error: .*(token|credential)/im);
  });

  it('no cloudbuild.yaml', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const { code, text } = await said([
      '--data',
      server.data,
      'submit',
      empty,
      '--config',
      join(empty, 'cloudbuild.yaml'),
    ]);
    expect([code, text]).toEqual([1, expect.stringMatching(/no such file: .*cloudbuild\.yaml\n\n {2}.*--tag IMAGE/)]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a machine without runc', () => {
  let server: TestServer;
  let path: string;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-no-runc-'));
    path = folder;
    for (const bin of ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'])
      for (const name of await readdir(bin).catch(() => []))
        if (name !== 'runc' && name !== 'crun')
          await symlink(join(bin, name), join(folder, name)).catch(() => undefined);
    server = await TestServer.start({ environment: { PATH: folder } });
  });
  afterAll(async () => {
    await server?.close();
    await rm(path, { recursive: true, force: true });
  });

  it('is told by doctor, and by the step that needs a container', async () => {
    const doctor = await server.cli(['doctor', '--quick']);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout + doctor.stderr).toMatch(/runc[\s\S]*apt-get install runc/);
    const source = join(server.folder, 'source');
    await mkdir(source);
    await run('sh', [
      '-c',
      `cd ${source} && echo hello > file && printf 'FROM scratch\\nCOPY file /bin/sh\\n' > Dockerfile`,
    ]);
    const copied = await server.submit(source, '--tag', 'europe-central2-docker.pkg.dev/demo/r/copied:1');
    expect(copied.build.status, copied.log).toBe('SUCCESS');
    await run('sh', ['-c', `cd ${source} && printf 'RUN echo hello\\n' >> Dockerfile`]);
    const failed = await server.submit(source, '--tag', 'europe-central2-docker.pkg.dev/demo/r/ran:1');
    expect([failed.code, failed.build.status]).toEqual([1, 'FAILURE']);
    expect(failed.log).toMatch(/runc[\s\S]*apt-get install runc/);
  });
});
