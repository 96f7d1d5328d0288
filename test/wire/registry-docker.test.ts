import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../src/lib/retry.ts';
import { run, runOk } from '../../src/lib/run.ts';
import { putCredentialHelper } from './credential-helper.ts';
import { PLATFORMS, platformImage, writePlatformLayout } from './platform-image.ts';
import { missingPrograms, writeLayoutImage } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

const missing = await missingPrograms('dockerd', 'docker', 'skopeo');
const why = process.getuid?.() !== 0 ? ': needs root' : missing.map((name) => `: no ${name}`).join('');

describe.skipIf(why !== '')(`docker with a daemon of its own${why}`, () => {
  let folder: string;
  let server: RegistryServer;
  let daemon: ChildProcess;
  let env: NodeJS.ProcessEnv;
  const docker = async (...args: string[]) => (await runOk('docker', args, { env })).stdout;
  const key = 'europe-central2/p/r/api';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-dockerd-'));
    server = await startRegistryServer();
    const image = await writeLayoutImage(join(folder, 'image'), 'hello from docker\n');
    const socket = `unix://${join(folder, 'docker.sock')}`;
    env = { ...process.env, DOCKER_HOST: socket, DOCKER_CONFIG: join(folder, 'config'), DOCKER_CONTEXT: '' };
    daemon = spawn(
      'dockerd',
      [
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '-H', socket, '--bridge=none', '--iptables=false'],
        ...['--insecure-registry', server.host, '--storage-driver=vfs', '--max-concurrent-uploads=2'],
      ],
      { stdio: 'ignore' },
    );
    for (let i = 0; (await run('docker', ['version'], { env })).code !== 0; i++) {
      if (i === 120 || daemon.exitCode !== null) throw new Error('dockerd did not start');
      await pause(250);
    }
    const archive = join(folder, 'image.tar');
    await runOk('skopeo', ['copy', `oci:${image.layout}:latest`, `docker-archive:${archive}:api:local`]);
    await docker('load', '-i', archive);
  });

  afterAll(async () => {
    if (daemon !== undefined && daemon.exitCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await ended;
    }
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is refused before it has logged in, and with a wrong password', async () => {
    const name = `${server.host}/p/r/api:1`;
    await docker('tag', 'api:local', name);
    await expect(docker('push', name)).rejects.toThrow(/no basic auth|unauthorized|log in first|denied/);
    const login = ['login', '-u', 'oauth2accesstoken', '--password-stdin', server.host];
    await expect(runOk('docker', login, { env, input: 'slw_nonsense' })).rejects.toThrow(/unauthorized|unknown/);
  });

  it('logs in with an access token, pushes, and pulls by tag and by digest', async () => {
    const name = `${server.host}/p/r/api`;
    const access = await server.tokens.accessTokenFor(await server.token({ role: 'writer', project: 'p' }));
    const login = ['login', '-u', 'oauth2accesstoken', '--password-stdin', server.host];
    const said = await runOk('docker', login, { env, input: access?.token ?? '' });
    expect(said.stdout).toContain('Login Succeeded');
    // docker keeps what only asks for tokens, and not the token that opens every door
    const kept = await readFile(join(folder, 'config/config.json'), 'utf8');
    expect(kept).toContain('identitytoken');
    expect(Buffer.from(/"auth": "([^"]+)"/.exec(kept)?.[1] ?? '', 'base64').toString()).toMatch(/^[^:]+:$/);

    await docker('tag', 'api:local', `${name}:1`);
    const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await docker('push', `${name}:1`))?.[1] ?? '';
    expect((await server.store.manifest(key, '1'))?.digest).toBe(pushed);
    const id = (await docker('image', 'inspect', '--format', '{{.Id}}', `${name}:1`)).trim();

    for (const reference of [`${name}:1`, `${name}@${pushed}`]) {
      await docker('rmi', '--force', id);
      await docker('pull', reference);
      expect((await docker('image', 'inspect', '--format', '{{.Id}}', reference)).trim()).toBe(id);
    }
  });

  it('pushes the same image again as one more tag of the same version', async () => {
    const name = `${server.host}/p/r/api`;
    const local = (await docker('images', '--quiet')).trim().split('\n')[0] ?? '';
    await docker('tag', local, `${name}:4f2c1e9`);
    await docker('tag', local, `${name}:1`);
    await docker('push', '--all-tags', name);
    expect(await server.store.manifests(key, { limit: 10 })).toHaveLength(1);
    expect((await server.store.tags(key, { limit: 10 })).map((tag) => tag.name)).toEqual(['1', '4f2c1e9']);
  });

  it('mounts the layers in another repository of the same host', async () => {
    const other = `${server.host}/p/r/other:1`;
    await docker('tag', `${server.host}/p/r/api:1`, other);
    server.requests.length = 0;
    await docker('push', other);
    expect(server.requests.filter((line) => /POST .*mount=.* 201$/.test(line)).length).toBeGreaterThan(0);
  });

  it('takes the platform that it is asked for out of an index with attestations, and shows all of it', async () => {
    const multi = await platformImage('for docker');
    await writePlatformLayout(join(folder, 'multi'), multi);
    const name = `${server.host}/p/r/multi:1`;
    const admin = await server.token({ role: 'admin', project: 'p' });
    const creds = ['--tls-verify=false', '--creds', `x:${admin}`];
    const to = ['--all', '--preserve-digests', '--dest-tls-verify=false', '--dest-creds', `x:${admin}`];
    await runOk('skopeo', ['copy', ...to, `oci:${join(folder, 'multi')}:latest`, `docker://${name}`]);
    for (const { architecture } of PLATFORMS) {
      await docker('pull', '--platform', `linux/${architecture}`, name);
      expect((await docker('image', 'inspect', '--format', '{{.Architecture}}', name)).trim()).toBe(architecture);
    }
    const shown = JSON.parse(await docker('manifest', 'inspect', '--insecure', name));
    expect(shown.manifests.map(({ digest }: { digest: string }) => digest)).toEqual(
      multi.manifests.map(({ descriptor }) => descriptor.digest),
    );

    await runOk('skopeo', ['delete', ...creds, `docker://${name}`]);
    await expect(docker('pull', name)).rejects.toThrow(/manifest unknown|not found/);
  });

  it('logs in by our credential helper', async () => {
    const helper = await putCredentialHelper(join(folder, 'helper'));
    const config = join(folder, 'helped');
    await mkdir(config);
    await writeFile(join(config, 'config.json'), JSON.stringify({ credHelpers: { [server.host]: 'slipway' } }));
    await writeFile(join(folder, 'token'), await server.token({ role: 'writer', project: 'p' }));
    const helped = {
      ...env,
      DOCKER_CONFIG: config,
      PATH: `${helper}:${process.env['PATH']}`,
      SLIPWAY_URL: server.url,
      SLIPWAY_TOKEN_FILE: join(folder, 'token'),
    };
    const name = `${server.host}/p/r/helped:1`;
    await docker('tag', `${server.host}/p/r/api:1`, name);
    await runOk('docker', ['push', name], { env: helped });
    await runOk('docker', ['pull', name], { env: helped });
    expect(await server.store.manifest('europe-central2/p/r/helped', '1')).toBeDefined();
  });
});
