import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunResult, run } from '../../src/lib/run.ts';
import { debian13 } from './debian-13-clients.ts';
import { dockerClients } from './docker-lessons/docker-clients.ts';
import { missingPrograms } from './registry-image.ts';
import { missingForBuilds, TestServer } from './server.ts';

const missing = await missingPrograms('busybox', 'ssh-agent', 'ssh-add', 'ssh-keygen');
const lacks = [
  await missingForBuilds(),
  ...(debian13.present ? [] : [': no buildx of Debian 13']),
  ...missing.map((name) => `: no ${name}`),
].join('');

/** A name that the server answers to itself. */
const OWN = 'europe-central2-docker.pkg.dev/local/images';

/** Every docker of this machine that asks a plug-in for BuildKit, and that of Debian 13. */
const clients = [debian13.docker, ...dockerClients.filter(({ buildkit }) => !buildkit).map(({ path }) => path)];

describe.skipIf(lacks !== '')(`buildx 0.13 builds through POST /grpc${lacks}`, () => {
  let server: TestServer;
  let env: NodeJS.ProcessEnv;
  const at = (name: string) => join(server.folder, name);

  beforeAll(async () => {
    server = await TestServer.start({ config: 'docker:\n  listen: 127.0.0.1:0\n' });
    env = { PATH: process.env['PATH'], HOME: server.folder };
    env['DOCKER_HOST'] = `unix://${join(server.data, 'docker.sock')}`;
    env['DOCKER_CONFIG'] = at('docker-config');
    await mkdir(at('docker-config/cli-plugins'), { recursive: true });
    cpSync(debian13.buildx, at('docker-config/cli-plugins/docker-buildx'));
    const base = await server.source('base', { Dockerfile: 'FROM scratch\nCOPY bin /bin\nENV PATH=/bin\n' });
    await mkdir(join(base, 'bin'));
    cpSync('/bin/busybox', join(base, 'bin/busybox'));
    execFileSync('sh', ['-c', 'cd bin && for name in sh cat echo ls; do ln -s busybox $name; done'], { cwd: base });
    await ok('buildx', 'build', '-t', 'base:1', base);
  });
  afterAll(() => server?.close());

  const docker = (args: string[], options: { client?: string; input?: string; env?: NodeJS.ProcessEnv } = {}) =>
    run(options.client ?? debian13.docker, args, {
      env: { ...env, ...options.env },
      timeout: 120_000,
      cwd: server.folder,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  const checked = (args: readonly string[], result: RunResult): string => {
    if (result.code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${result.code}:\n${result.stderr}`);
    return `${result.stdout}${result.stderr}`;
  };
  async function ok(...args: string[]): Promise<string> {
    return checked(args, await docker(args));
  }
  const build = (folder: string, ...args: string[]) => ok('buildx', 'build', '--progress', 'plain', ...args, folder);
  const fails = async (folder: string, ...args: string[]) => {
    const { code, stderr } = await docker(['buildx', 'build', '--progress', 'plain', ...args, folder]);
    expect(code).toBe(1);
    return stderr;
  };

  it.each(clients)("shows BuildKit's lines, by %s", async (client) => {
    const source = await server.source('plain', {
      Dockerfile: 'FROM base:1\nARG V=1\nCOPY a.txt /a.txt\nRUN echo out $V; echo err >&2\n',
      'a.txt': 'a',
      'b.txt': 'nobody asks for it',
    });
    const args = ['build', '--progress', 'plain', '--no-cache', '--build-arg', 'V=2', '-t', 'plain:1', source];
    const said = checked(args, await docker(args, { client }));
    expect(said).toContain('building with "default" instance using docker driver');
    for (const line of [
      /^#\d+ \[internal\] load build definition from Dockerfile$/m,
      /^#\d+ transferring dockerfile: \d+B done$/m,
      /^#\d+ \[internal\] load metadata for docker\.io\/library\/base:1$/m,
      /^#\d+ \[1\/3\] FROM base:1$/m,
      /^#\d+ \[2\/3\] COPY a\.txt \/a\.txt$/m,
      /^#\d+ \d+\.\d+ out 2$/m,
      /^#\d+ \d+\.\d+ err$/m,
      /^#\d+ writing image sha256:[0-9a-f]{64} done$/m,
      /^#\d+ naming to docker\.io\/library\/plain:1 done$/m,
      /^#\d+ DONE \d+\.\ds$/m,
    ])
      expect(said).toMatch(line);
    const again = checked(
      args,
      await docker(
        args.filter((arg) => arg !== '--no-cache'),
        { client },
      ),
    );
    expect(again.match(/^#\d+ CACHED$/gm)?.length).toBeGreaterThanOrEqual(2);
  });

  it('points at the line of an error', async () => {
    const source = await server.source('broken', {
      Dockerfile: 'FROM base:1\nRUM x\n',
      run: 'FROM base:1\nRUN exit 3\n',
    });
    expect(await fails(source)).toMatch(
      /Dockerfile:2\n-+\n.*1 \| .*FROM base:1\n.*2 \| >>> RUM x\n-+\nERROR: failed to solve: unknown instruction: RUM/s,
    );
    const failed = await fails(source, '-f', join(source, 'run'));
    expect(failed).toMatch(/run:2\n-+\n.*>>> RUN exit 3\n/s);
    expect(failed).toContain(
      'ERROR: failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
    );
  });

  it('lists what the file is remarked on', async () => {
    const source = await server.source('warned', { Dockerfile: 'FROM base:1\nENV A=$NOPE\n' });
    const said = await build(source);
    expect(said).toContain('1 warning found (use --debug to expand):');
    expect(said).toContain("UndefinedVar: Usage of undefined variable '$NOPE' (line 2)");
  });

  it('says what it has built', async () => {
    const source = await server.source('named', { Dockerfile: 'FROM base:1\nLABEL a=b\n' });
    await build(
      source,
      '--load',
      '-t',
      'named:1',
      '-t',
      'named:2',
      '--iidfile',
      at('iid'),
      '--metadata-file',
      at('meta'),
    );
    const id = await readFile(at('iid'), 'utf8');
    const meta = JSON.parse(await readFile(at('meta'), 'utf8')) as Record<string, string>;
    expect(meta['containerimage.config.digest']).toBe(id);
    expect(meta['containerimage.digest']).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(meta['image.name']).toBe('docker.io/library/named:1,docker.io/library/named:2');
    const quiet = await docker(['buildx', 'build', '-q', source]);
    expect(quiet.stdout.trim()).toBe(id);
  });

  it('brings results to the client: a folder, and three kinds of archives', async () => {
    const source = await server.source('outputs', { Dockerfile: 'FROM scratch\nCOPY d /d\n', 'd/file': 'text' });
    await build(source, '-o', at('out/local'));
    expect(readFileSync(at('out/local/d/file'), 'utf8')).toBe('text');
    for (const type of ['tar', 'oci', 'docker'])
      await build(source, '-t', 'outputs:1', '-o', `type=${type},dest=${at(`out/${type}.tar`)}`);
    const listed = (name: string) => execFileSync('tar', ['tf', at(`out/${name}.tar`)], { encoding: 'utf8' });
    expect(listed('tar')).toContain('d/file\n');
    expect(listed('oci')).toContain('index.json\n');
    expect(listed('docker')).toContain('manifest.json\n');
    expect(await readdir(join(server.data, 'docker'), { recursive: true }).then((all) => all.join())).not.toContain(
      'output-',
    );
  });

  it('pushes', async () => {
    const source = await server.source('pushed', { Dockerfile: 'FROM base:1\nLABEL p=q\n' });
    const name = `${OWN}/pushed:1`;
    await build(source, '--push', '-t', name);
    await ok('rmi', name);
    expect(await ok('pull', name)).toContain('Downloaded newer image');
  });

  it('gives secrets and agents of the client to RUN, and takes its contexts', async () => {
    const source = await server.source('mounts', {
      Dockerfile:
        'FROM foo\nRUN --mount=type=secret,id=s cat /run/secrets/s\nRUN --mount=type=ssh ls -l $SSH_AUTH_SOCK\nCOPY --from=bar other /o\nRUN cat /o\n',
      'secret.txt': 'hush',
    });
    const other = await server.source('other', { other: 'from another folder' });
    const agent = execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' });
    const said = /SSH_AUTH_SOCK=([^;]+);.*SSH_AGENT_PID=(\d+)/s.exec(agent);
    try {
      const result = await docker(
        [
          ...['buildx', 'build', '--progress', 'plain', '--secret', `id=s,src=${join(source, 'secret.txt')}`],
          ...['--ssh', 'default', '--build-context', 'foo=docker-image://base:1', '--build-context', `bar=${other}`],
          source,
        ],
        { env: { SSH_AUTH_SOCK: said?.[1] } },
      );
      const shown = checked(['build'], result);
      expect(shown).not.toContain('hush'); // masked
      expect(shown).toMatch(/^#\d+ \d+\.\d+ srw/m);
      expect(shown).toMatch(/^#\d+ \d+\.\d+ from another folder$/m);
    } finally {
      process.kill(Number(said?.[2]));
    }
    expect(
      await fails(source, '--build-context', 'foo=docker-image://base:1', '--build-context', `bar=${other}`),
    ).toContain('No such file or directory');
  });

  it('reads a Dockerfile, or a whole context, from standard input', async () => {
    const source = await server.source('stdin', { 'in.txt': 'in' });
    const file = 'FROM base:1\nCOPY in.txt /\n';
    const alone = await docker(['buildx', 'build', '-q', '-f', '-', source], { input: file });
    expect(alone.code).toBe(0);
    await writeFile(join(source, 'Dockerfile'), file);
    const whole = execFileSync('sh', ['-c', `tar c . | ${debian13.docker} buildx build -q -`], { cwd: source, env });
    expect(whole.toString()).toBe(alone.stdout);
  });

  it('caches by a registry', async () => {
    const source = await server.source('cached', { Dockerfile: 'FROM base:1\nRUN echo cached > /c\n' });
    const ref = `${OWN}/cache:1`;
    const exported = await build(source, '--cache-to', `type=registry,ref=${ref},mode=max`);
    expect(exported).toContain(`exporting cache to ${ref}`);
    expect(exported).not.toContain('WARNING');
    await build(source, '--cache-to', 'type=inline', '--cache-from', `type=registry,ref=${ref}`);
    expect(await fails(source, '--cache-to', `type=local,dest=${at('cache')}`)).toContain('type=local is not served');
  });

  it('bakes targets that build on each other', async () => {
    const source = await server.source('bake', {
      Dockerfile: 'FROM base:1\nRUN echo first > /made\n',
      second: 'FROM first\nRUN cat /made\n',
      'docker-bake.hcl': `group "default" { targets = ["one", "two"] }
target "one" { tags = ["baked:one"] }
target "two" {
  dockerfile = "second"
  tags = ["baked:two"]
  contexts = { first = "target:one" }
}
`,
    });
    const result = await run(debian13.docker, ['buildx', 'bake', '--progress', 'plain'], { env, cwd: source });
    const said = checked(['bake'], result);
    expect(said).toMatch(/^#\d+ \[two 2\/2\] RUN cat \/made$/m);
    expect(said).toMatch(/^#\d+ \d+\.\d+ first$/m);
    expect(said).toContain('naming to docker.io/library/baked:two done');
  });

  it('checks and describes a Dockerfile in place of building it', async () => {
    const source = await server.source('asked', {
      Dockerfile: '# one is first\nFROM base:1 AS one\nARG A=$NOPE\nENV B=$NOPE\n',
    });
    const asked = async (what: string) =>
      (await docker(['buildx', 'build', `--print=${what}`, source], { env: { BUILDX_EXPERIMENTAL: '1' } })).stdout;
    expect(await asked('lint')).toMatch(/WARNING: UndefinedVar\nUsage of undefined variable '\$NOPE'\nDockerfile:4/);
    expect(await asked('targets')).toMatch(/^one \(default\)\s+is first$/m);
    expect(await asked('outline')).toMatch(/^A\s+\$NOPE/m);
  });

  it('builds for a client on another machine, over mutual TLS', async () => {
    const lines = await server.ok('docker-cert', '--project', 'demo', at('certs'));
    const source = await server.source('tls', {
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      big: 'x'.repeat(3_000_000),
    });
    const remote = Object.fromEntries(
      [...lines.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    remote['DOCKER_HOST'] =
      `tcp://127.0.0.1:${/"port":(\d+),"msg":"the docker door is open"/.exec(await server.log())?.[1]}`;
    for (const [client, ...args] of [
      [debian13.docker, 'buildx', 'build', '--progress', 'plain'],
      ...dockerClients.filter(({ buildkit }) => buildkit).map(({ path }) => [path, 'build', '--progress', 'plain']),
    ]) {
      const result = await docker([...args, '-t', 'tls:1', source], {
        client: client ?? '',
        env: { ...remote, DOCKER_BUILDKIT: '1' },
      });
      expect(checked(args, result)).toContain('naming to docker.io/library/tls:1 done');
    }
  });

  it('tells of itself', async () => {
    expect(await ok('buildx', 'ls')).toMatch(/default\s+running\s+0\.\d+\.\d+\s+linux\/amd64/);
    expect(await ok('buildx', 'inspect')).toContain('Status:           running');
    expect(await ok('buildx', 'du', '--verbose')).toMatch(/^Description:\s+COPY bin \/bin$/m);
    expect(await ok('system', 'df')).toMatch(/^Build Cache\s+[1-9]/m);
    expect(await ok('buildx', 'prune', '-f')).toMatch(/^Total:\s+\d/m);
  });

  it('refuses what it does not build, and says so', async () => {
    const source = await server.source('refused', {
      Dockerfile: '# syntax=example/other\nFROM base:1\n',
      ok: 'FROM base:1\n',
    });
    expect(await fails(source)).toContain("the front end example/other can't be run");
    expect(await fails(source, '-f', join(source, 'ok'), '--sbom=true')).toContain('--sbom: bills of material');
    expect(
      await fails(source, '-f', join(source, 'ok'), '-o', `type=oci,dest=${at('a.tar')}`, '--annotation', 'a=b'),
    ).toContain('--annotation is not');
    expect(await fails(source, '-f', join(source, 'ok'), '--platform', 'linux/amd64,linux/arm64')).toContain(
      'one platform at a time',
    );
  });

  it('ends with its client, and leaves nothing behind', async () => {
    const source = await server.source('long', { Dockerfile: 'FROM base:1\nRUN while :; do :; done\n' });
    const controller = new AbortController();
    const building = run(debian13.docker, ['buildx', 'build', '--progress', 'plain', source], {
      env,
      signal: controller.signal,
      onStderr: (chunk) => {
        if (chunk.includes('RUN while')) setTimeout(() => controller.abort(), 500);
      },
    }).catch(() => undefined);
    await building;
    const running = async () => (await readdir(join(server.data, 'run')).catch(() => [])).length;
    await expect.poll(running, { timeout: 10_000 }).toBe(0);
    expect(await ok('buildx', 'ls')).toContain('running');
  });

  it('ends with its server, in order', async () => {
    const source = await server.source('stopped', { Dockerfile: 'FROM base:1\nRUN while :; do :; done\n' });
    let stopped: Promise<number> | undefined;
    const { code } = await run(debian13.docker, ['buildx', 'build', '--progress', 'plain', source], {
      env,
      onStderr: (chunk) => {
        if (chunk.includes('RUN while'))
          stopped ??= new Promise((resolve) => setTimeout(resolve, 500)).then(() => server.stop());
      },
    });
    expect(code).toBe(1);
    expect(await stopped).toBe(0);
    expect(await readdir(join(server.data, 'run')).catch(() => [])).toEqual([]);
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(server.data);
    await server.restart();
    await expect.poll(() => ok('buildx', 'ls').catch(() => ''), { timeout: 20_000 }).toContain('running');
  });

  it('outlives a client that speaks something else', async () => {
    const talk = (text: string) =>
      new Promise<string>((resolve) => {
        let said = '';
        const socket = connect(join(server.data, 'docker.sock'), () => socket.write(text));
        socket.once('data', () => socket.write('no HTTP/2 at all\r\n\r\n'));
        socket.on('data', (chunk) => {
          said += chunk;
        });
        socket.on('error', () => undefined).on('close', () => resolve(said));
      });
    const request = 'POST /grpc HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n';
    expect(await talk(`${request}Connection: close\r\n\r\n`)).toContain('protocol h2c is expected: no upgrade');
    expect(await talk(`${request}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)).toContain('101 UPGRADED');
    expect(await ok('buildx', 'ls')).toContain('running');
  });
});
