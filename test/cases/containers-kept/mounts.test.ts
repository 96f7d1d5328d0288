import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RequestedMount, RequestedNetwork } from '../../../src/containers/container-request.ts';
import { whyNoContainers } from '../containers/machine.ts';
import { KeptScope } from './kept-scope.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(
  `volumes and networks of containers${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    let scope: KeptScope;
    let outside: string;
    beforeAll(async () => {
      scope = await new KeptScope().open();
      outside = mkdtempSync(join(tmpdir(), 'slipway-kept-'));
      chmodSync(join(scope.machine.image, 'data'), 0o750);
      for (const path of ['data', 'data/file']) chownSync(join(scope.machine.image, path), 1000, 1001);
    });
    afterEach(async () => {
      for (const { id } of scope.containers.list()) await scope.containers.remove(id, { force: true, volumes: true });
      scope.config = { ...scope.config, volumes: [] };
    });
    afterAll(async () => {
      await scope.close();
      expect(scope.leftovers()).toEqual([]);
      scope.machine.remove();
      rmSync(outside, { recursive: true });
    });

    const volume = (name: string | undefined, target: string, changes: object = {}): RequestedMount => ({
      kind: 'volume',
      name,
      target,
      readonly: false,
      noCopy: false,
      ...changes,
    });

    test('a new volume begins with what the image has there, and keeps what containers write', async () => {
      const mounts = [volume('kept', '/data')];
      const ran = await scope.run('echo more >> /data/file; stat -c "%u:%g %a" /data', { mounts });
      expect(ran.stdout).toBe('1000:1001 750\n');
      const { folder } = scope.volumes.get('kept');
      expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('hi\nmore\n');
      expect(statSync(join(folder, 'file'))).toMatchObject({ uid: 1000, gid: 1001 });
      const again = await scope.run('cat /data/file', { mounts });
      expect(again.stdout).toBe('hi\nmore\n');
      expect((await scope.containers.changes(ran.id)).map(({ path }) => path)).toEqual([]);
      const users = [ran.id, again.id].join(', ');
      await expect(scope.volumes.remove('kept', true)).rejects.toThrow(`remove kept: volume is in use - [${users}]`);
      for (const { id } of [ran, again]) await scope.containers.remove(id, { volumes: true });
      expect(scope.volumes.get('kept').name).toBe('kept');
      await scope.volumes.remove('kept', false);
      expect(() => scope.volumes.get('kept')).toThrow('get kept: no such volume');
      await scope.volumes.remove('kept', true);
      await expect(scope.volumes.remove('kept', false)).rejects.toMatchObject({ code: 'not-found' });
      expect(readdirSync(join(scope.folder, 'volumes'))).toEqual([]);
    });

    test('not when it shall not, nor when it has something', async () => {
      const empty = await scope.run('find /data', { mounts: [volume('empty', '/data', { noCopy: true })] });
      expect(empty.stdout).toBe('/data\n');
      const { folder } = await scope.volumes.create('full', {});
      writeFileSync(join(folder, 'mine'), '');
      expect((await scope.run('find /data', { mounts: [volume('full', '/data')] })).stdout).toBe('/data\n/data/mine\n');
    });

    test('an image’s volumes are made for each container, and go with it', async () => {
      scope.config = { ...scope.config, volumes: ['/data', '/new'] };
      const { id, stdout } = await scope.run('cat /data/file; touch /new/x');
      expect(stdout).toBe('hi\n');
      const { mounts } = scope.containers.get(id);
      expect(mounts.map(({ kind, target }) => [kind, target])).toEqual([
        ['volume', '/data'],
        ['volume', '/new'],
      ]);
      expect(scope.volumes.get(mounts[1]?.name ?? '')).toMatchObject({ anonymous: true });
      await scope.containers.remove(id, { volumes: true });
      expect(scope.volumes.list().filter(({ anonymous }) => anonymous)).toEqual([]);
      await scope.run('true', { autoRemove: true });
      expect(scope.volumes.list().filter(({ anonymous }) => anonymous)).toEqual([]);
    });

    test('folders are bound, made where that is asked, and refused where they are not there', async () => {
      const source = join(outside, 'made/here');
      const bind = (changes: object): RequestedMount => ({
        kind: 'bind',
        source,
        target: '/mnt/x',
        readonly: false,
        create: true,
        ...changes,
      });
      await expect(scope.create('true', { mounts: [bind({ create: false })] })).rejects.toThrow(
        `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      );
      const { code } = await scope.run('touch /mnt/x/from', { mounts: [bind({})] });
      expect([code, existsSync(join(source, 'from'))]).toEqual([0, true]);
      const fixed = await scope.run('touch /mnt/x/more', { mounts: [bind({ readonly: true })] });
      expect([fixed.code, fixed.stderr]).toEqual([1, 'touch: /mnt/x/more: Read-only file system\n']);
      await expect(scope.create('true', { mounts: [volume('a b', '/x')] })).rejects.toThrow(
        'includes invalid characters',
      );
      await expect(
        scope.create('true', { mounts: [volume(undefined, '/x'), volume(undefined, '/x')] }),
      ).rejects.toThrow('Duplicate mount point: /x');
      expect(scope.volumes.list().filter(({ anonymous }) => anonymous)).toEqual([]);
    });

    test('memory is mounted, and a root can be read-only', async () => {
      const mounts: RequestedMount[] = [{ kind: 'tmpfs', target: '/ram', sizeBytes: 1 << 20 }];
      const ran = await scope.run('head -c 2m /dev/zero > /ram/f; touch /x', { mounts, readonlyRootfs: true });
      expect(ran.stderr).toContain('head: ');
      expect(ran.stderr).toContain('touch: /x: Read-only file system');
    });

    test('containers on a network find each other by name; the bridge goes when nobody is on it', async () => {
      const { networks, containers } = scope;
      await networks.create('own', { labels: { a: 'b' }, internal: false });
      await expect(networks.create('own', { labels: {}, internal: false })).rejects.toThrow(
        'network with name own already exists',
      );
      const network: RequestedNetwork = { kind: 'named', name: 'own', aliases: ['alias'] };
      const serve = 'echo "echo hello" > /bin/hello; chmod 755 /bin/hello; exec nc -ll -p 80 -e sh /bin/hello';
      const server = await scope.create(serve, { name: 'server', network });
      await containers.start(server);
      expect(containers.get(server).network.address).toMatch(/^10\./);
      expect(networks.get('own').subnet).toMatch(/\/24$/);
      await expect(networks.remove('own')).rejects.toMatchObject({ code: 'conflict' });
      const asked = await scope.run('sleep 0.3; nc server 80 </dev/null; nc alias 80 </dev/null', {
        network: { ...network, aliases: [] },
        autoRemove: true,
      });
      expect(asked).toMatchObject({ stdout: 'hello\nhello\n', stderr: '' });
      const neighbour = await scope.run('nc 127.0.0.1 80 </dev/null', {
        network: { kind: 'container', name: 'server' },
        autoRemove: true,
      });
      expect(neighbour.stdout).toBe('hello\n');
      await containers.remove(server, { force: true });
      await networks.remove('own');
      expect(() => networks.get('own')).toThrow('network own not found');
      const lost = await scope.create('true', { network });
      await expect(containers.start(lost)).rejects.toThrow('network own not found');
      const alone = await scope.create('true', { network: { kind: 'container', name: lost } });
      await expect(containers.start(alone)).rejects.toThrow(`cannot join network of a non running container: ${lost}`);
    });

    test('a published port leads to the container as long as it runs', async () => {
      const { containers } = scope;
      const serve = 'echo "echo hello" > /bin/hello; chmod 755 /bin/hello; exec nc -ll -p 80 -e sh /bin/hello';
      const id = await scope.create(serve, {
        network: { kind: 'named', name: 'bridge', aliases: [] },
        ports: [{ containerPort: '80/tcp', hostAddress: '127.0.0.1', hostPort: 0 }],
      });
      await containers.start(id);
      const [port] = containers.get(id).network.ports ?? [];
      expect(port).toMatchObject({ protocol: 'tcp', containerPort: 80, hostAddress: '127.0.0.1' });
      await expect.poll(() => answerOf(port?.hostPort ?? 0)).toBe('hello\n');
      await containers.stop(id, 0);
      expect(containers.get(id).network.ports).toBeUndefined();
      expect(await answerOf(port?.hostPort ?? 0)).toBe('ECONNREFUSED');
      const actions = scope.events.filter((event) => event.attributes['container'] === id).map((event) => event.action);
      expect(actions).toEqual(['connect', 'disconnect']);
    });

    test('the networks that are always there stay', async () => {
      const { networks } = scope;
      expect(networks.list().map(({ name, driver }) => `${name} ${driver}`)).toEqual([
        'bridge bridge',
        'host host',
        'none null',
      ]);
      await expect(networks.remove('none')).rejects.toMatchObject({
        code: 'denied',
        message: 'none is a pre-defined network and cannot be removed',
      });
      await expect(networks.create('host', { labels: {}, internal: false })).rejects.toMatchObject({ code: 'denied' });
      const ran = await scope.run('ip addr', { network: { kind: 'named', name: 'bridge', aliases: [] } });
      expect(ran.stdout).toContain('eth0');
    });
  },
);

function answerOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve(text));
  });
}
