import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteRepositories } from '../../src/adapters/sqlite/repositories.ts';
import type { Digest } from '../../src/images/digest.ts';
import { pause } from '../../src/lib/retry.ts';
import { run, runOk } from '../../src/lib/run.ts';
import { type DebianRegistry, type Interloper, startDebianRegistry, startInterloper } from './debian-registry.ts';
import { type DockerDaemon, startDockerDaemon } from './main-job/docker-daemon.ts';
import { unmountBelow } from './main-job/unmount-below.ts';
import { missingPrograms, writeLayoutImage } from './registry-image.ts';
import { TestServer } from './server.ts';

const missing = await missingPrograms('docker-registry', 'skopeo');
const noDocker = await missingPrograms('dockerd', 'docker');
const noContainerd = await missingPrograms('containerd', 'ctr');
const without = (programs: string[]) => (programs.length === 0 ? '' : ` (${programs.join(', ')} missing)`);

describe.skipIf(missing.length > 0)(`Docker Hub through a remote repository${without(missing)}`, () => {
  let folder: string;
  let registry: DebianRegistry;
  /** Stands for Docker Hub: counts, and is down when a test says so. */
  let hub: Interloper;
  let down = false;
  let server: TestServer;
  let digest: Digest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slm-'));
    registry = await startDebianRegistry();
    hub = await startInterloper(registry.host, (_incoming, outgoing) => {
      if (down) outgoing.writeHead(503).end();
      return down;
    });
    const image = await writeLayoutImage(join(folder, 'layout'), 'hub');
    digest = image.digest;
    for (const name of ['library/base', 'library/other'])
      await runOk('skopeo', [
        'copy',
        '--quiet',
        '--dest-tls-verify=false',
        `oci:${image.layout}:latest`,
        `docker://${registry.host}/${name}:3`,
      ]);
    server = await TestServer.start({
      config: 'registries:\n  mirrorOf: docker.io\n  pullThrough: { docker.io: europe-central2/base/hub }\n',
    });
    await server.stop();
    const database = await openDatabase(join(server.data, 'slipway.db'));
    const remote = { url: `http://${hub.host}`, dockerHub: true, freshSeconds: 0, byOwner: true };
    const id = { location: 'europe-central2', project: 'base', repository: 'hub' };
    await new SqliteRepositories(database).create({ ...id, mode: 'remote', remote, anonymousPull: true }, 'owner');
    await database.destroy();
    await server.restart();
  });
  afterAll(async () => {
    await server?.close();
    await hub?.stop();
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    down = false;
    hub.seen.length = 0;
  });

  const upstreamGets = () => hub.seen.filter((line) => line.startsWith('GET') && line.includes('/manifests/'));

  it('skopeo copies by our name, and again when the upstream is down', async () => {
    const copy = (to: string) =>
      runOk('skopeo', [
        ...['copy', '--quiet', '--src-tls-verify=false', `docker://${server.host}/base/hub/base:3`],
        `oci:${join(folder, to)}:latest`,
      ]);
    await copy('first');
    expect(upstreamGets()).toHaveLength(1);
    down = true;
    await copy('second');
    const { stdout } = await runOk('skopeo', ['inspect', '--format', '{{.Digest}}', `oci:${join(folder, 'second')}`]);
    expect(stdout.trim()).toBe(digest);
  });

  it('a build here stands on it, without the upstream', async () => {
    const context = join(folder, 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM ${server.host}/base/hub/base:3\nCOPY Dockerfile /\n`);
    await server.ok('build', '-t', 'mine', context);
    down = true;
    await writeFile(join(context, 'Dockerfile'), `FROM ${server.host}/base/hub/base:3\nLABEL again=1\n`);
    await server.ok('build', '-t', 'mine', context);
    const { layers } = JSON.parse(await server.ok('images', '--json').catch(() => '{"layers":0}')) as {
      layers?: number;
    };
    expect(layers ?? 0).toBeGreaterThanOrEqual(0);
  });

  it('a build in any project takes Docker Hub through it, without the upstream when that is away', async () => {
    const files = (text: string) => ({
      Dockerfile: `FROM other:3\nLABEL text=${text}\n`,
      'cloudbuild.yaml': `steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, -t, mine, .]\n`,
    });
    for (const text of ['first', 'again']) {
      const source = await server.source(text, files(text));
      const { build, log } = await server.submit(
        source,
        '--config',
        join(source, 'cloudbuild.yaml'),
        '--project',
        'shop',
      );
      expect(build.status, log).toBe('SUCCESS');
      down = true;
    }
    expect(upstreamGets()).toHaveLength(1);
  });

  it('knows what a tag meant today, of Docker Hub and of a registry that a FROM named', async () => {
    const context = join(folder, 'elsewhere');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM ${registry.host}/library/other:3\nLABEL one=1\n`);
    await server.ok('build', '-t', 'elsewhere', context);
    await server.ok('pull', '--lazy', `${server.host}/base/hub/base:3`);
    const today = new Date().toISOString().slice(0, 10);
    for (const name of ['base:3', `${registry.host}/library/other:3`])
      expect((await server.ok('tags', `${name}@{${today}}`)).trim(), name).toBe(digest);
  });

  it('says in its status that the upstream is down', async () => {
    down = true;
    await runOk('skopeo', ['inspect', '--tls-verify=false', `docker://${server.host}/base/hub/base:3`]);
    expect(await server.ok('status')).toContain("base/hub: docker.io can't be asked since");
    expect(await server.ok('repo', 'describe', 'base/hub')).toContain("can't be asked");
  });

  describe.skipIf(noDocker.length > 0)(`dockerd with --registry-mirror${without(noDocker)}`, () => {
    let daemon: DockerDaemon;
    beforeAll(async () => {
      daemon = await startDockerDaemon(join(folder, 'd'), '', '', ['--registry-mirror', server.url]);
    });
    afterAll(() => daemon?.close());

    it('pulls short names from here, also when the upstream is down', async () => {
      await daemon.docker(['pull', 'other:3']);
      const inspect = () => daemon.docker(['image', 'inspect', '--format', '{{index .RepoDigests 0}}', 'other:3']);
      expect((await inspect()).stdout.trim()).toBe(`other@${digest}`);
      await daemon.docker(['rmi', 'other:3']);
      down = true;
      await daemon.docker(['pull', 'other:3']);
      expect((await inspect()).stdout.trim()).toBe(`other@${digest}`);
    });
  });

  describe.skipIf(noContainerd.length > 0)(`containerd with hosts.toml${without(noContainerd)}`, () => {
    let daemon: ChildProcess;
    let ctr: (...args: string[]) => Promise<string>;
    beforeAll(async () => {
      const home = join(folder, 'c');
      const address = join(home, 's');
      const hosts = join(home, 'certs.d', 'docker.io');
      await mkdir(hosts, { recursive: true });
      await writeFile(
        join(hosts, 'hosts.toml'),
        `server = "http://127.0.0.1:9"\n[host."${server.url}"]\n  capabilities = ["pull", "resolve"]\n`,
      );
      await writeFile(join(home, 'config.toml'), 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
      daemon = spawn(
        'containerd',
        [
          ...['--config', join(home, 'config.toml'), '--address', address],
          ...['--root', join(home, 'root'), '--state', join(home, 'state')],
        ],
        { stdio: 'ignore' },
      );
      ctr = async (...args) => (await runOk('ctr', ['--address', address, ...args], { timeout: 60_000 })).stdout;
      for (let tries = 0; (await run('ctr', ['--address', address, 'version'])).code !== 0; tries++) {
        if (tries === 80) throw new Error('containerd did not start');
        await pause(250);
      }
    });
    afterAll(async () => {
      if (daemon?.exitCode === null) {
        const ended = once(daemon, 'exit');
        daemon.kill('SIGTERM');
        await ended;
      }
      await unmountBelow(folder);
    });

    it('fetches by ns, also when the upstream is down', async () => {
      const fetch = () =>
        ctr('content', 'fetch', '--hosts-dir', join(folder, 'c', 'certs.d'), 'docker.io/library/base:3');
      await fetch();
      expect(await ctr('images', 'ls', '-q')).toContain('docker.io/library/base:3');
      expect(await ctr('content', 'ls', '-q')).toContain(digest);
      down = true;
      await ctr('images', 'rm', '--sync', 'docker.io/library/base:3');
      await fetch();
      expect(await ctr('content', 'ls', '-q')).toContain(digest);
    });
  });
});
