import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunResult, run, runOk } from '../../src/lib/run.ts';
import { type DebianRegistry, type Interloper, startDebianRegistry, startInterloper } from './debian-registry.ts';
import { type DockerSetUp, setUps } from './docker-lessons/docker-clients.ts';
import { missingPrograms, writeLayoutImage } from './registry-image.ts';
import { missingForBuilds, TestServer } from './server.ts';

const BUSYBOX = '/bin/busybox';
const lacks = `${await missingForBuilds()}${setUps.length === 0 ? ': no docker' : ''}`;
const missing = await missingPrograms('docker-registry', 'skopeo', 'ssh-agent');

let server: TestServer;
beforeAll(async () => {
  if (lacks === '') server = await TestServer.start();
}, 90_000);
afterAll(() => server?.close());

/** A build as a person types it. @param stdin a file */
async function build(
  { client, builder }: DockerSetUp,
  args: string[],
  options: { cwd?: string; stdin?: string; env?: NodeJS.ProcessEnv; config?: string } = {},
): Promise<RunResult> {
  const env = {
    PATH: process.env['PATH'],
    DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
    DOCKER_CONFIG: join(server.folder, options.config ?? 'docker-config'),
    DOCKER_BUILDKIT: builder,
    ...options.env,
  };
  const plain = builder === '1' ? ['--progress=plain'] : [];
  const { cwd, stdin } = options;
  const at = cwd === undefined ? {} : { cwd };
  const command = [client.path, 'build', ...plain, ...args];
  if (stdin === undefined) return await run(client.path, command.slice(1), { ...at, env, timeout: 120_000 });
  return await run('sh', ['-c', 'exec "$@" < "$0"', stdin, ...command], { ...at, env, timeout: 120_000 });
}

async function context(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(server.folder, name);
  for (const [path, text] of Object.entries({ 'a.txt': 'a\n', ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await copyFile(BUSYBOX, join(folder, 'busybox'));
  return folder;
}

const BASE =
  'FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","--install","-s","/bin"]\nENV PATH=/bin\n';
const id = (result: RunResult) => /sha256:[0-9a-f]{64}/.exec(result.stdout)?.[0];

describe.skipIf(lacks !== '')(`docker build${lacks}`, () => {
  it.each(setUps)('$name gives the same image again, cached, and another when a file changes', async (setUp) => {
    const folder = await context(`same-${setUp.name}`, {
      Dockerfile: `${BASE}COPY a.txt /a\nRUN cat /a && echo $((6*7)) > /b\n`,
    });
    const first = await build(setUp, ['-q', '-t', 'same', '.'], { cwd: folder });
    expect(first).toMatchObject({ code: 0 });
    const second = await build(setUp, ['-t', 'same', '.'], { cwd: folder });
    const said = second.stdout + second.stderr;
    expect(said).toMatch(setUp.builder === '1' ? /RUN cat.*\n(?:.*\n)?#\d+ CACHED/ : /RUN cat.*\n ---> Using cache/);
    expect(said).toContain(id(first)?.slice(7, 19));
    await writeFile(join(folder, 'a.txt'), 'b\n');
    expect(id(await build(setUp, ['-q', '.'], { cwd: folder }))).not.toBe(id(first));
  });

  it.each(setUps)('$name shows what a command prints, and why it failed', async (setUp) => {
    const folder = await context(`fails-${setUp.name}`, { Dockerfile: `${BASE}RUN echo seen; exit 3\n` });
    const { code, stdout, stderr } = await build(setUp, ['.'], { cwd: folder });
    expect(stdout + stderr).toContain('seen');
    if (setUp.builder === '1') {
      expect(code).toBe(1);
      expect(stderr).toContain('did not complete successfully: exit code: 3\nDockerfile:5:1\n');
      expect(stderr).toContain('>>> 5 | RUN echo seen; exit 3');
    } else {
      expect(code).toBe(3);
      expect(stderr).toContain("The command '/bin/sh -c echo seen; exit 3' returned a non-zero code: 3");
    }
  });

  it.each(setUps)(
    '$name takes arguments, labels, a target, several names, and a Dockerfile elsewhere',
    async (setUp) => {
      const folder = await context(`flags-${setUp.name}`, { Dockerfile: 'FROM nowhere\n' });
      const elsewhere = join(server.folder, `elsewhere-${setUp.name}`);
      await writeFile(
        elsewhere,
        `${BASE}FROM base AS wanted\nARG V\nRUN echo $V-${setUp.name} > /v && cat /v\nFROM base\nRUN exit 1\n`,
      );
      const name = `flags-${setUp.name.replace('.', '')}`;
      const args = [
        '-f',
        elsewhere,
        '--build-arg',
        'V=7',
        '--build-arg',
        'UNSET',
        '--label',
        'l=m',
        '--target',
        'wanted',
      ];
      const { code, stdout, stderr } = await build(setUp, [...args, '-t', name, '-t', `${name}:2`, '.'], {
        cwd: folder,
      });
      expect([code, stdout + stderr]).toEqual([0, expect.stringContaining(`7-${setUp.name}\n`)]);
      const listed = JSON.parse((await server.cli(['images', '--json'])).stdout) as { name: string }[];
      expect(listed.map((image) => image.name).filter((each) => each.includes(name))).toHaveLength(2);
    },
  );

  it.each(setUps)(
    '$name takes an archive, packed or not, and a Dockerfile alone from standard input',
    async (setUp) => {
      const folder = await context(`stdin-${setUp.name}`, { Dockerfile: 'FROM scratch\nCOPY a.txt /\n' });
      for (const packing of ['', 'z', 'j', 'J']) {
        const stdin = join(folder, 'tar');
        await runOk('tar', [`c${packing}f`, stdin, '-C', folder, 'Dockerfile', 'a.txt']);
        expect([packing, await build(setUp, ['-q', '-'], { stdin })]).toMatchObject([packing, { code: 0 }]);
      }
      const stdin = join(folder, 'alone');
      await writeFile(stdin, 'FROM scratch\nLABEL a=b\n');
      expect(await build(setUp, ['-q', '-'], { stdin })).toMatchObject({ code: 0 });
      await writeFile(stdin, 'FROM scratch\nADD a.txt /b\n');
      expect(await build(setUp, ['-q', '-f', '-', '.'], { cwd: folder, stdin })).toMatchObject({ code: 0 });
    },
  );

  it.each(setUps)('$name says what is wrong with a Dockerfile, and where', async (setUp) => {
    const folder = await context(`wrong-${setUp.name}`, { Dockerfile: 'FROM scratch\nFOO x\n' });
    const { code, stderr } = await build(setUp, ['.'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain(
      setUp.builder === '1' ? '>>> 2 | FOO x' : 'dockerfile parse error line 2: unknown instruction: FOO',
    );
    await writeFile(join(folder, 'Dockerfile'), 'FROM $UNSET\n');
    const from = await build(setUp, ['.'], { cwd: folder });
    expect(from.stderr).toContain('base name ($UNSET) should not be blank');
    if (setUp.builder === '0') expect(from.stdout).toContain('Step 1/1 : FROM $UNSET');
  });

  it.each(setUps)('$name ends its command when the person does', async (setUp) => {
    const folder = await context(`cancel-${setUp.name}`, { Dockerfile: `${BASE}RUN echo begun; sleep 300\n` });
    const env = {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
      DOCKER_BUILDKIT: setUp.builder,
    };
    const child = spawn(setUp.client.path, ['build', '.'], { cwd: folder, env });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    for (let n = 0; n < 300 && !said.includes('begun\n'); n++) await sleep(100);
    expect(await sleeping()).toBe(true);
    child.kill('SIGINT');
    await once(child, 'close');
    for (let n = 0; n < 100 && (await sleeping()); n++) await sleep(100);
    expect(await sleeping()).toBe(false);
  });
});

/** Whether a command of the test above runs on this machine. */
async function sleeping(): Promise<boolean> {
  const { stdout } = await run('pgrep', ['-f', '^sleep 300$']);
  return stdout.trim() !== '';
}

const [session] = setUps.filter(({ builder }) => builder === '1');
const without = lacks === '' && session === undefined ? ': no docker with BuildKit' : lacks;

describe.skipIf(without !== '' || session === undefined)(`docker build with a session${without}`, () => {
  const withSession = session as DockerSetUp;

  it('asks only for files that it needs, and for none of them twice', async () => {
    const folder = await context('asked', {
      '.dockerignore': 'in/no*\n',
      'in/yes': 'y\n',
      'in/no': 'n\n',
      'big/x': 'x\n',
    });
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY in /in/\n');
    const first = await build(withSession, ['.'], { cwd: folder });
    expect(first.stderr).toMatch(/load build context\n.*\n#\d+ transferring context: 2B done/);
    const again = await build(withSession, ['.'], { cwd: folder });
    expect(again.stderr).toMatch(/load build context\n.*\n#\d+ transferring context: (0B )?done/);
    const all = await readdir(join(server.data, 'docker'), { recursive: true });
    const kept = all.flatMap((path) => (path.includes('/tree/') ? [path.replace(/^.*?\/tree\//, '')] : []));
    expect(kept).toContain('in/yes');
    expect(kept).not.toContain('big/x');
    expect(kept).not.toContain('in/no');
    await utimes(join(folder, 'in/yes'), 1, 1);
    const touched = await build(withSession, ['.'], { cwd: folder });
    expect(touched.stderr).toMatch(/transferring context: 2B done/);
    expect(touched.stderr).toContain('CACHED');
  });

  it('asks for nothing where nothing of the context is read', async () => {
    const folder = await context('unread', { Dockerfile: 'FROM scratch\nLABEL a=b\n' });
    const { code, stderr } = await build(withSession, ['.'], { cwd: folder });
    expect(code).toBe(0);
    expect(stderr).not.toContain('load build context');
  });

  it('brings secrets, which stay out of the image and of the output', async () => {
    const folder = await context('secret', {
      Dockerfile: `${BASE}RUN --mount=type=secret,id=tok cat /run/secrets/tok | md5sum; cat /run/secrets/tok\n`,
    });
    await writeFile(join(server.folder, 'token'), 'hidden-value');
    const sum = createHash('md5').update('hidden-value').digest('hex');
    const { code, stderr } = await build(withSession, ['--secret', `id=tok,src=${join(server.folder, 'token')}`, '.'], {
      cwd: folder,
    });
    expect([code, stderr]).toEqual([0, expect.stringContaining(sum)]);
    expect(stderr).not.toContain('hidden-value');
  });

  it('gives files and archives to the client', async () => {
    const folder = await context('outputs', { Dockerfile: 'FROM scratch\nCOPY a.txt /deep/er/a.txt\n' });
    const out = join(server.folder, 'out');
    expect(await build(withSession, ['-o', out, '.'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await readFile(join(out, 'deep/er/a.txt'), 'utf8')).toBe('a\n');
    const tar = join(server.folder, 'out.tar');
    expect(await build(withSession, ['-o', `type=tar,dest=${tar}`, '.'], { cwd: folder })).toMatchObject({ code: 0 });
    expect((await runOk('tar', ['tf', tar])).stdout).toContain('deep/er/a.txt');
  });

  it.skipIf(missing.includes('ssh-agent'))('leads a command to the agent of the client', async () => {
    const folder = await context('ssh', {
      Dockerfile: `${BASE}RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && echo there\n`,
    });
    const agent = spawn('ssh-agent', ['-D', '-a', join(server.folder, 'agent')]);
    try {
      await sleep(300);
      const env = { SSH_AUTH_SOCK: join(server.folder, 'agent') };
      const { code, stderr } = await build(withSession, ['--ssh', 'default', '.'], { cwd: folder, env });
      expect([code, stderr]).toEqual([0, expect.stringContaining('there')]);
    } finally {
      agent.kill();
      await once(agent, 'close');
    }
  });
});

const registryLacks = missing.filter((name) => name !== 'ssh-agent');
describe.skipIf(lacks !== '' || registryLacks.length > 0)(`docker build from a registry with logins${lacks}`, () => {
  let registry: DebianRegistry;
  let gate: Interloper;

  beforeAll(async () => {
    registry = await startDebianRegistry();
    const login = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    gate = await startInterloper(registry.host, (incoming, outgoing) => {
      if (incoming.headers.authorization === login) return false;
      outgoing.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      return true;
    });
    const { layout } = await writeLayoutImage(join(server.folder, 'layout'), 'private');
    const target = `docker://${registry.host}/private/base:1`;
    await runOk('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}:latest`, target]);
  });
  afterAll(async () => {
    await gate?.stop();
    await registry?.stop();
  });

  it.each(setUps)('$name takes the logins of the client, for its own build alone', async (setUp) => {
    const folder = await context(`private-${setUp.name}`, {
      Dockerfile: `FROM ${gate.host}/private/base:1\nLABEL by=${setUp.name}\n`,
    });
    const config = `config-${setUp.name}`;
    const auth = Buffer.from('user:pass').toString('base64');
    await mkdir(join(server.folder, config));
    await writeFile(join(server.folder, config, 'config.json'), JSON.stringify({ auths: { [gate.host]: { auth } } }));
    // what the classic builder has pulled is an image of this engine, as with dockerd; with --pull the registry is asked
    const anonymous = await build(setUp, ['--pull', '.'], { cwd: folder });
    expect(anonymous.code).not.toBe(0);
    expect(await build(setUp, ['.'], { cwd: folder, config })).toMatchObject({ code: 0 });
    expect((await build(setUp, ['--pull', '.'], { cwd: folder })).code).not.toBe(0);
  });
});
