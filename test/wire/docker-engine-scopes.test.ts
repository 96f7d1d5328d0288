import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOk } from '../../src/lib/run.ts';
import { DockerEngineServer, lacksDocker } from './docker-engine-server.ts';
import { type DockerClient, dockerClients } from './docker-lessons/docker-clients.ts';
import { TestServer } from './server.ts';

const [client] = dockerClients as readonly [DockerClient];
const IMAGE = 'europe-central2-docker.pkg.dev/demo/tools/box:1';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.skipIf(lacksDocker !== '')(`the docker door and whom it is for${lacksDocker}`, () => {
  let engine: DockerEngineServer;
  let port = 0;
  const ok = (...args: string[]) => engine.ok(client, ...args);

  beforeAll(async () => {
    port = await freePort();
    engine = await DockerEngineServer.start({ config: `docker:\n  listen: 127.0.0.1:${port}\n` });
  }, 90_000);
  afterAll(() => engine?.close());

  it('is the owner’s alone on its socket, which slipway env names', async () => {
    expect((await stat(engine.socket)).mode & 0o777).toBe(0o600);
    const env = await engine.server.ok('env');
    expect(env).toContain(`export DOCKER_HOST=unix://${engine.socket}\n`);
    await engine.server.ok('tag', 'box:1', 'by-slipway:1');
    expect(await ok('images', '-q', 'by-slipway:1')).not.toBe('');
    await ok('rmi', 'by-slipway:1');
  });

  describe('a client with a certificate, over TCP', () => {
    let certificates = '';
    const team = (...args: string[]) =>
      engine.docker(client, args, {
        env: { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates },
      });

    beforeAll(async () => {
      certificates = join(engine.server.folder, 'certificates');
      const said = await engine.server.ok('docker-cert', '--project', 'team', certificates);
      expect(said).toContain(`export DOCKER_HOST=tcp://127.0.0.1:${port}\n`);
      expect((await stat(join(certificates, 'key.pem'))).mode & 0o777).toBe(0o600);
    });

    it('works in its project, and sees nothing of the owner’s', async () => {
      expect((await team('images', '-q')).stdout).toBe('');
      expect((await team('run', '--rm', '--pull', 'never', 'box:1', 'true')).code).toBe(125);
      await ok('run', '-d', '--name', 'mine', 'box:1', 'sleep', '1000');
      expect((await team('ps', '-aq')).stdout).toBe('');
      expect((await team('rm', '-f', 'mine')).stderr).toContain('No such container: mine');
      await ok('rm', '-f', 'mine');

      expect(await team('import', '-c', 'ENV PATH=/bin', engine.archive, 'theirs:1')).toMatchObject({ code: 0 });
      expect(await team('run', '--rm', '-v', 'data:/v', 'theirs:1', 'sh', '-c', 'echo hi; exit 3')).toMatchObject({
        code: 3,
        stdout: 'hi\n',
      });
      const { stdout } = await engine.docker(client, ['run', '--rm', '-i', 'theirs:1', 'cat'], {
        input: 'half closed',
        env: { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates },
      });
      expect(stdout).toBe('half closed');
      expect(await ok('images', '-q', 'theirs:1')).toBe('');
      expect(await ok('volume', 'ls', '-q')).toBe('');
    });

    it('finds images of the registry that it may read, and no others', async () => {
      const shown = ['search', '--format', '{{.Name}}: {{.Description}}'];
      const registry = 'europe-central2-docker.pkg.dev';
      for (const tag of ['1', '2']) {
        await ok('tag', 'box:1', `${registry}/demo/searched/box:${tag}`);
        await ok('push', '-q', `${registry}/demo/searched/box:${tag}`);
      }
      expect(await ok(...shown, 'searched')).toBe(`${registry}/demo/searched/box: 1, 2`);
      expect(await ok(...shown, '--filter', 'stars=3', 'searched')).toBe('');
      expect((await team(...shown, 'searched')).stdout.trim()).toBe('');
      expect((await engine.docker(client, ['search', '--limit', '101', 'x'])).stderr).toContain(
        'limit 101 is outside the range of [1, 100]',
      );
    });

    it.each([
      ['--privileged'],
      ['-v', '/etc:/x'],
      ['--network', 'host'],
      ['--pid', 'host'],
      ['--device', '/dev/null'],
      ['--cap-add', 'SYS_ADMIN'],
      ['--security-opt', 'seccomp=unconfined'],
    ])('is not given %s %s', async (...options) => {
      const { code, stderr } = await team('run', '--rm', ...options.filter(Boolean), 'theirs:1', 'true');
      expect(code).toBe(125);
      expect(stderr).toContain('is not for a docker client from the network');
    });

    it('is nobody without one', async () => {
      const { code } = await run('curl', ['-sk', `https://127.0.0.1:${port}/_ping`]);
      expect(code).not.toBe(0);
      const plain = await run('curl', ['-s', `http://127.0.0.1:${port}/_ping`]);
      expect(plain.stdout).toBe('');
    });

    it('is nobody with one of another authority', async () => {
      const other = join(engine.server.folder, 'other');
      const elsewhere = await TestServer.start();
      try {
        await elsewhere.ok('docker-cert', other);
        await copyFile(join(certificates, 'ca.pem'), join(other, 'ca.pem'));
        const { code } = await engine.docker(client, ['version'], {
          env: { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: other },
        });
        expect(code).toBe(1);
      } finally {
        await elsewhere.close();
      }
    });
  });

  it('a step of a build has a socket of its own, which goes with the build', async () => {
    const tools = join(engine.server.folder, 'tools');
    await mkdir(join(tools, 'bin'), { recursive: true });
    await runOk('tar', ['-C', tools, '-xf', engine.archive]);
    await copyFile(client.path, join(tools, 'bin/docker'));
    await runOk('tar', ['-C', tools, '-cf', `${tools}.tar`, '.']);
    await ok('import', '-c', 'ENV PATH=/bin', `${tools}.tar`, IMAGE);
    await ok('push', IMAGE);
    await ok('run', '-d', '--name', 'owners', 'box:1', 'sleep', '1000');
    const made = 'europe-central2-docker.pkg.dev/demo/tools/made:1';
    const script = [
      'echo "host [$$DOCKER_HOST]"',
      'docker ps -a --format "sees {{.Names}}"',
      `printf 'FROM ${IMAGE}\\nRUN echo inside > /made\\n' > Dockerfile`,
      `DOCKER_BUILDKIT=0 docker build -q -t ${made} .`,
      `docker run --rm ${made} cat /made`,
      `docker run --rm -v /etc:/host ${made} true || echo "code $$?"`,
      `docker run -d --network cloudbuild --name left -v kept:/v ${made} sleep 4321`,
      `address=$$(docker inspect -f '{{.NetworkSettings.Networks.cloudbuild.IPAddress}}' left)`,
      'busybox ping -c 1 $$address | grep "1 packets received"',
      `DOCKER_BUILDKIT=0 docker build -q --network cloudbuild --no-cache .`,
      `docker push -q ${made}`,
    ].join('\n');
    const source = await engine.server.source('with-docker', {
      'cloudbuild.yaml': JSON.stringify({ steps: [{ name: IMAGE, entrypoint: 'sh', args: ['-ec', script] }] }),
    });
    const { build, log, code } = await engine.server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
    expect(log).toContain('host []');
    expect(log).not.toContain('sees ');
    expect(log).toMatch(/^.*inside$/m);
    expect(log).toContain('the host path /etc is not for the docker socket of a build');
    expect(log).toContain('code 125');
    expect(code).toBe(0);
    expect(build.results?.images?.map(({ name }) => name)).toEqual([made]);
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('owners');
    expect(await readdir(join(engine.server.data, 'builds'))).toEqual([]);
    expect((await runOk('ps', ['-eo', 'args'])).stdout).not.toContain('sleep 4321');
    await ok('rm', '-f', 'owners');
  });

  it('is opened again when its process dies; what ran has exited with 137', async () => {
    await ok('run', '-d', '--name', 'ran', 'box:1', 'sleep', '1000');
    await ok('run', '-d', '--name', 'always', '--restart', 'always', 'box:1', 'sleep', '1000');
    const [, ...workers] = await engine.server.processes();
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    await expect.poll(() => engine.docker(client, ['ps']).then(({ code }) => code), { timeout: 20_000 }).toBe(0);
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'ran')).toBe('exited 137');
    await expect.poll(() => ok('inspect', '-f', '{{.State.Status}}', 'always')).toBe('running');
    await ok('rm', '-f', 'ran', 'always');
    expect(await readFile(join(engine.server.folder, 'server.log'), 'utf8')).toContain('it is opened again');
  });

  it('takes its socket away at the end, and the place of one that a dead server left', async () => {
    const path = join(engine.server.folder, 'other.sock');
    const serve = async (socket: string) => {
      const child = await TestServer.start({ dockerSocket: socket });
      return child;
    };
    const first = await serve(path);
    expect((await engine.docker(client, ['version'], { env: { DOCKER_HOST: `unix://${path}` } })).code).toBe(0);
    const second = await serve(path);
    expect(await second.log()).toContain(`another program listens on ${path}`);
    await second.close();
    expect((await engine.docker(client, ['version'], { env: { DOCKER_HOST: `unix://${path}` } })).code).toBe(0);
    await first.kill();
    expect((await stat(path)).isSocket()).toBe(true);
    await first.restart();
    expect((await engine.docker(client, ['version'], { env: { DOCKER_HOST: `unix://${path}` } })).code).toBe(0);
    await first.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
    await writeFile(path, 'a file of somebody');
    const third = await serve(path);
    expect(await third.log()).toContain(`${path} exists and is no socket`);
    await third.close();
    expect(await readFile(path, 'utf8')).toBe('a file of somebody');
  });
});
