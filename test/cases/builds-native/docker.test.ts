import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCommand } from '../../../src/builds/docker/commands.ts';
import { docker } from '../../../src/builds/docker/docker.ts';
import type { ImageBuildRequest } from '../../../src/engine/request.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { openNativeStep } from './native-step.ts';

let step: Awaited<ReturnType<typeof openNativeStep>>;
beforeEach(async () => {
  step = await openNativeStep();
});
afterEach(() => step.close());

const run = (...args: string[]) => step.run(docker, args);

/** Long flags of docker 28 and buildx 0.24, by command; of hidden ones, those that the old builder had. */
const FLAGS: Record<string, string> = {
  build:
    'add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent check compress cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems debug disable-content-trust file force-rm iidfile isolation label load memory memory-swap metadata-file network no-cache no-cache-filter output platform progress provenance pull push quiet rm sbom secret security-opt shm-size squash ssh tag target ulimit',
  pull: 'all-tags disable-content-trust platform quiet',
  push: 'all-tags disable-content-trust platform quiet',
  images: 'all digests filter format no-trunc quiet tree',
  load: 'input platform quiet',
  save: 'output platform',
  history: 'format human no-trunc platform quiet',
  rmi: 'force no-prune platform',
  inspect: 'format size type',
  login: 'password password-stdin username',
  'buildx create':
    'append bootstrap buildkitd-config buildkitd-flags config driver driver-opt leave name node platform use',
};

describe('the docker builder', () => {
  it.each(Object.entries(FLAGS))('knows every flag of docker %s', (name, flags) => {
    const known = findCommand(name.split(' ')).command?.flags.map((flag) => flag.name) ?? [];
    expect(flags.split(' ').filter((flag) => !known.includes(flag))).toEqual([]);
  });

  const help = spawnSync('docker', ['--version'], { encoding: 'utf8' });
  it.skipIf(help.status !== 0)('knows the flags of the docker client of this machine', () => {
    const unknown = Object.keys(FLAGS).flatMap((name) => {
      const { status, stdout } = spawnSync('docker', [...name.split(' '), '--help'], { encoding: 'utf8' });
      if (status !== 0 || name.includes(' ')) return [];
      const known = findCommand([name]).command?.flags.map((flag) => flag.name) ?? [];
      const theirs = [...stdout.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, flag = '']) => flag);
      return theirs.filter((flag) => flag !== 'help' && !known.includes(flag)).map((flag) => `${name} --${flag}`);
    });
    expect(unknown).toEqual([]);
  });

  it('says what a misspelt command should have been', async () => {
    expect(await run('biuld', '.')).toEqual({
      code: 1,
      out: '',
      err: "docker: unknown command: docker biuld\nDid you mean 'docker build'?\n",
    });
  });

  it('hands the flags of RUN containers to the engine', async () => {
    await step.write('Dockerfile', 'FROM busybox\n');
    const asked: ImageBuildRequest[] = [];
    const { engine } = step.bench.deps;
    const build: typeof engine.build = (request, caller) => {
      asked.push(request);
      return engine.build(request, caller);
    };
    const line =
      'buildx build --builder x --add-host db:10.1.2.3 --add-host six=[::1] --ulimit nofile=1024:2048 --shm-size 128m --memory 2g --memory-swap -1 --cpu-quota 50000 --attest type=provenance,mode=max --metadata-file out/meta.json -t app:1 --load .';
    expect(await step.run(docker, line.split(' '), { engine: { ...engine, build } })).toMatchObject({ code: 0 });
    expect(asked[0]?.run).toEqual({
      extraHosts: ['db:10.1.2.3', 'six:::1'],
      ulimits: [{ name: 'nofile', soft: 1024, hard: 2048 }],
      limits: { memoryBytes: 2 ** 31, memorySwapBytes: -1, cpus: 0.5 },
      shmBytes: 128 << 20,
    });
    expect(asked[0]?.provenance).toBe('max');
    expect(JSON.parse(await step.read('out/meta.json'))).toMatchObject({
      'containerimage.digest': expect.stringMatching(/^sha256:/),
      'image.name': 'docker.io/library/app:1',
    });
  });

  it.each([
    [['build', '--platform', 'linux/amd64,linux/arm64', '.'], /one step builds for one platform/],
    [['build', '--sbom=true', '.'], /--sbom is not supported/],
    [['build', '--annotation', 'a=b', '.'], /--annotation is not supported/],
    [['build', '--add-host', 'x:host-gateway', '.'], /does not reach this machine/],
    [['build', '--memory', 'lots', '.'], /invalid size: 'lots'/],
    [['images', '--filter', 'since=x'], /knows reference= and dangling=/],
  ])('refuses in words: docker %j', async (args, expected) => {
    await step.write('Dockerfile', 'FROM busybox\n');
    const { code, err } = await run(...args);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(expected) });
  });

  it('lists images by filter and format', async () => {
    await run('pull', 'busybox');
    await run('tag', 'busybox', 'europe-central2-docker.pkg.dev/p/r/app:1');
    expect((await run('images', '--format', '{{.Repository}}:{{.Tag}}')).out.split('\n').sort()).toEqual([
      '',
      'busybox:latest',
      'europe-central2-docker.pkg.dev/p/r/app:1',
    ]);
    expect(
      (await run('images', '--filter', 'reference=busy*', '--format', 'table {{.Repository}}\\t{{.Tag}}')).out,
    ).toBe('REPOSITORY   TAG\nbusybox      latest\n');
    expect((await run('images', '-q', '-f', 'dangling=true')).out).toBe('');
  });

  it('logs in for the steps that follow, and out again', async () => {
    expect(await run('login', '-u', 'me', '-p', 'secret', 'https://registry.lab/v2/')).toEqual({
      code: 0,
      out: 'Login Succeeded\n',
      err: 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n',
    });
    expect(JSON.parse(await step.readHome('.docker/config.json'))).toEqual({
      auths: { 'registry.lab': { auth: Buffer.from('me:secret').toString('base64') } },
    });
    const { engine } = step.bench.deps;
    const asked: unknown[] = [];
    const pull: typeof engine.pull = async (name, caller) => {
      asked.push([await caller.credentials?.('registry.lab'), await caller.credentials?.('other.lab')]);
      return engine.pull(name, caller);
    };
    await step.run(docker, ['pull', 'busybox'], { engine: { ...engine, pull } });
    expect(asked).toEqual([[{ username: 'me', password: 'secret' }, undefined]]);
    expect((await run('logout', 'registry.lab')).out).toBe('Removing login credentials for registry.lab\n');
    expect((await run('logout', 'registry.lab')).out).toBe('Not logged in to registry.lab\n');
  });

  it('does not keep a login that the registry refuses', async () => {
    const verifyLogin = async () => {
      throw new Problem('unauthenticated', 'unauthorized: incorrect username or password');
    };
    const refused = await step.run(docker, ['login', '-u', 'me', '-p', 'x', 'registry.lab'], { verifyLogin });
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('unauthorized: incorrect username') });
    await expect(step.readHome('.docker/config.json')).rejects.toThrow(/ENOENT/);
  });

  it('needs no builder to be made, and lets it be made', async () => {
    expect(await run('buildx', 'create', '--name', 'b', '--driver', 'docker-container', '--use')).toMatchObject({
      code: 0,
      out: 'b\n',
    });
    expect((await run('buildx', 'inspect', '--bootstrap')).code).toBe(0);
    expect((await run('buildx', 'rm', 'b')).out).toBe('b removed\n');
  });
});
