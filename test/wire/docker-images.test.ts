import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../src/lib/retry.ts';
import { run, runOk } from '../../src/lib/run.ts';
import { dockerAt, type ImagesDoor, openImagesDoor } from '../cases/docker-images/images-door.ts';
import { buildWithSteps } from '../cases/docker-images/step-image.ts';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { dockerClients } from './docker-lessons/docker-clients.ts';
import { missingPrograms } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

const missing = await missingPrograms('docker-registry', 'skopeo');
const lacks = [
  ...(dockerClients.length === 0 ? [': no docker'] : []),
  ...(hasBusybox ? [] : [': no /bin/busybox']),
  ...missing.map((name) => `: no ${name}`),
].join('');

/** Docker's own command lines, and a registry that is not ours. */
describe.skipIf(lacks !== '')(`images by docker's clients${lacks}`, () => {
  let folder: string;
  let registry: ChildProcess;
  let host: string;
  let door: ImagesDoor;
  /** Lets nobody in without a token. */
  let guarded: RegistryServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-wire-images-'));
    host = `127.0.0.1:${await freePort()}`;
    const config = join(folder, 'registry.yml');
    await writeFile(
      config,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/registry}}\nhttp: {addr: '${host}'}\n`,
    );
    registry = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    for (let i = 0; !(await answers(`http://${host}/v2/`)); i++) {
      if (i === 100) throw new Error('docker-registry did not start');
      await pause(100);
    }
    door = await openImagesDoor();
    guarded = await startRegistryServer();
  });
  afterAll(async () => {
    await door?.close();
    await guarded?.close();
    if (registry?.exitCode === null) {
      const ended = once(registry, 'exit');
      registry.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(dockerClients)('$version', ({ path, version }) => {
    const docker = (...args: string[]) => dockerAt(door.socket, path)(...args);

    it('pushes, pulls and removes as it does with dockerd', async () => {
      const { image } = await buildWithSteps(door, ['app:1']);
      const name = `${host}/team-${version}/app`;
      await docker('tag', 'app:1', `${name}:1`);
      await docker('tag', 'app:1', `${name}:2`);
      const pushed = await docker('push', `${name}:1`);
      expect(pushed).toMatch(
        new RegExp(
          `^The push refers to repository \\[${name}\\]\n([0-9a-f]{12}: (Preparing|Pushed|Mounted from [^\n]+)\n){6}1: digest: sha256:[0-9a-f]{64} size: \\d+$`,
        ),
      );
      const digest = /sha256:[0-9a-f]{64}/.exec(pushed)?.[0];
      expect(await docker('push', '--all-tags', name)).toContain(`2: digest: ${digest}`);
      expect(await docker('images', '--digests', '--format', '{{.Tag}} {{.Digest}}', name)).toBe(
        `1 ${digest}\n2 ${digest}`,
      );
      await docker('rmi', '--force', image.id);
      expect(await docker('images', '-q', name)).toBe('');
      const pulled = await docker('pull', `${name}:1`);
      expect(pulled.split('\n').slice(0, 1)).toEqual([`1: Pulling from team-${version}/app`]);
      expect(pulled).toContain(`Digest: ${digest}\nStatus: Downloaded newer image for ${name}:1`);
      expect(await docker('pull', `${name}:1`)).toContain(`Status: Image is up to date for ${name}:1`);
      const gone = (await docker('rmi', `${name}:1`)).split('\n');
      expect(gone.slice(0, 3)).toEqual([`Untagged: ${name}:1`, `Untagged: ${name}@${digest}`, `Deleted: ${image.id}`]);
      expect(await docker('pull', '--quiet', `${name}@${digest}`)).toContain(`${name}@${digest}`);
      expect(await docker('images', '--format', '{{.Repository}} {{.Tag}}', '--digests', name)).toBe(`${name} <none>`);
      // the image is here, its tags are not
      expect(await docker('pull', '--all-tags', name)).toContain(`Status: Downloaded newer image for ${name}`);
      await docker('rmi', '--force', image.id);
    });

    it('hears why there is nothing to pull or to push', async () => {
      const failing = async (...args: string[]) => {
        const env = { ...process.env, DOCKER_HOST: `unix://${door.socket}` };
        const { code, stderr } = await run(path, args, { env });
        expect(code).toBe(1);
        return stderr.trim();
      };
      expect(await failing('pull', `${host}/none/app:77`)).toContain(
        `Error response from daemon: manifest for ${host}/none/app:77 not found: manifest unknown: manifest unknown`,
      );
      expect(await failing('push', `${host}/none/app:1`)).toBe(
        `An image does not exist locally with the tag: ${host}/none/app`,
      );
      expect(await failing('image', 'inspect', 'nope')).toMatch(/No such image: nope/);
      expect(await failing('rmi', 'nope')).toMatch(/No such image: nope/);
      expect(await failing('history', 'nope')).toBe('Error response from daemon: No such image: nope:latest');
    });

    it('takes a login for the one call, and writes it down nowhere', async () => {
      const { image } = await buildWithSteps(door, ['app:1']);
      const secret = await guarded.token({ role: 'writer', project: 'p' });
      const name = `${guarded.host}/p/r/app:${version}`;
      await docker('tag', 'app:1', name);
      const config = join(folder, `config-${version}`);
      await mkdir(config, { recursive: true });
      const auth = Buffer.from(`_token:${secret}`).toString('base64');
      await writeFile(join(config, 'config.json'), JSON.stringify({ auths: { [guarded.host]: { auth } } }));
      const env = { ...process.env, DOCKER_HOST: `unix://${door.socket}` };
      const anonymous = await run(path, ['push', name], { env, timeout: 30_000 });
      expect(anonymous.code).toBe(1);
      expect(anonymous.stderr).not.toContain('sha256:');
      const pushed = await runOk(path, ['--config', config, 'push', name], { env, timeout: 30_000 });
      expect(pushed.stdout).toContain(`${version}: digest: sha256:`);
      // the login counted for that call alone
      await docker('rmi', '--force', image.id);
      expect((await run(path, ['pull', name], { env, timeout: 30_000 })).code).toBe(1);
      expect((await runOk(path, ['--config', config, 'pull', name], { env })).stdout).toContain(
        'Downloaded newer image',
      );
      await docker('rmi', name);
      const kept = await run('grep', ['-rlaF', '--', secret, door.folder]);
      expect(kept.stdout).toBe('');
    });

    it('shows history with the ids of steps', async () => {
      const { ids } = await buildWithSteps(door, ['app:1']);
      expect(await docker('history', '--quiet', '--no-trunc', 'app:1')).toBe([...ids].reverse().join('\n'));
      const [head = '', first = ''] = (await docker('history', 'app:1')).split('\n');
      expect(head).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
      expect(first).toMatch(/^[0-9a-f]{12} +.+ago +CMD \["cat" "\/w\/hello"\] +0B/);
    });

    it('saves what skopeo reads and loads what skopeo writes', async () => {
      const { image } = await buildWithSteps(door, ['app:1']);
      const archive = join(folder, `saved-${version}.tar`);
      await docker('save', '-o', archive, 'app:1');
      const config = await runOk('skopeo', ['inspect', '--config', '--raw', `docker-archive:${archive}:app:1`]);
      expect(JSON.parse(config.stdout)).toMatchObject({ config: { User: 'app' } });
      const layout = join(folder, `layout-${version}`);
      await mkdir(layout);
      await runOk('tar', ['-xf', archive, '-C', layout]);
      await runOk('skopeo', ['inspect', '--raw', `oci:${layout}:1`]);
      const written = join(folder, `written-${version}.tar`);
      await runOk('skopeo', ['copy', '--quiet', `oci:${layout}:1`, `docker-archive:${written}:by-skopeo:1`]);
      await docker('rmi', '--force', image.id);
      expect(await docker('load', '-i', archive)).toBe('Loaded image: app:1');
      expect(await docker('load', '--input', written)).toBe('Loaded image: by-skopeo:1');
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', 'by-skopeo:1')).toBe(image.id);
      await docker('rmi', 'by-skopeo:1', 'app:1');
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
