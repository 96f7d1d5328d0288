import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TarHeader } from '../../../src/images/tar/header.ts';
import { readTar } from '../../../src/images/tar/read.ts';
import { type TarInput, writeTar } from '../../../src/images/tar/write.ts';
import { whyNoContainers } from '../containers/machine.ts';
import { KeptScope, NEVER } from './kept-scope.ts';

const why = whyNoContainers();
const PLAIN = { noOverwriteDirNonDir: false, copyUidGid: false };

const header = (name: string, changes: Partial<TarHeader> = {}): TarHeader => ({
  name,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  ...changes,
});
const file = (name: string, text: string, changes: Partial<TarHeader> = {}): TarInput => ({
  header: header(name, { size: text.length, ...changes }),
  body: Buffer.from(text),
});

describe.skipIf(why !== undefined)(`files of a container${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let scope: KeptScope;
  let outside: string;
  beforeAll(async () => {
    scope = await new KeptScope().open();
  });
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'slipway-kept-'));
  });
  afterEach(async () => {
    for (const { id } of scope.containers.list()) await scope.containers.remove(id, { force: true, volumes: true });
    expect(scope.leases).toBe(0);
    expect(scope.leftovers()).toEqual([]);
    rmSync(outside, { recursive: true });
  });
  afterAll(async () => {
    await scope.close();
    scope.machine.remove();
  });

  async function entries(id: string, path: string): Promise<string[]> {
    const { tar } = await scope.containers.files.read(id, path, NEVER);
    const names: string[] = [];
    for await (const { header } of readTar(tar))
      names.push(header.linkname ? `${header.name} -> ${header.linkname}` : header.name);
    return names;
  }

  const write = (id: string, path: string, inputs: TarInput[], options = PLAIN) =>
    scope.containers.files.write(id, path, writeTar(inputs), options);

  async function text(id: string, path: string): Promise<string> {
    const { tar } = await scope.containers.files.read(id, path, NEVER);
    const parts: Uint8Array[] = [];
    for await (const { body } of readTar(tar)) for await (const chunk of body) parts.push(chunk);
    return Buffer.concat(parts).toString();
  }

  describe.each(['stopped', 'running'])('of one that is %s', (state) => {
    let id: string;
    beforeEach(async () => {
      mkdirSync(join(outside, 'bound'));
      writeFileSync(join(outside, 'bound/there'), 'of the machine');
      id = await scope.create('sleep 1000', {
        name: 'box',
        mounts: [
          { kind: 'bind', source: join(outside, 'bound'), target: '/bound', readonly: false, create: false },
          { kind: 'bind', source: join(outside, 'bound'), target: '/fixed', readonly: true, create: false },
          { kind: 'volume', name: 'kept-vol', target: '/deep/volume', readonly: false, noCopy: false },
        ],
      });
      if (state === 'running') await scope.containers.start(id);
    });

    test('are described as docker describes them', async () => {
      const { files } = scope.containers;
      expect(await files.stat(id, '/data/file')).toMatchObject({ name: 'file', size: 3, mode: 0o644, linkTarget: '' });
      expect(await files.stat(id, '/link')).toMatchObject({ name: 'link', mode: 134218239, linkTarget: '/data' });
      expect(await files.stat(id, '/link/')).toMatchObject({ name: 'link', mode: 2147484141, linkTarget: '' });
      expect(await files.stat(id, '/link/.')).toMatchObject({ name: '.', mode: 2147484141 });
      expect(await files.stat(id, '/abslink')).toMatchObject({ linkTarget: '/data/file' });
      expect(await files.stat(id, '/')).toMatchObject({ name: '/' });
      for (const path of ['/nosuch', '/data/file/x', '/data/file/']) {
        await expect(files.stat('box', path)).rejects.toMatchObject({
          code: 'not-found',
          message: `Could not find the file ${path} in container box`,
        });
      }
    });

    test('come as a tar whose names begin as they were asked for', async () => {
      expect(await entries(id, '/data')).toEqual(['data', 'data/file', 'data/sub', 'data/sub/s']);
      expect(await entries(id, '/data/.')).toEqual(['.', './file', './sub', './sub/s']);
      expect(await entries(id, '/data/file')).toEqual(['file']);
      expect(await entries(id, 'link')).toEqual(['link -> data']);
      expect((await entries(id, '/')).slice(0, 2)).toEqual(['/', '/abslink -> /data/file']);
      expect(await entries(id, '/bound')).toEqual(['bound', 'bound/there']);
      await expect(scope.containers.files.read(id, '/nosuch', NEVER)).rejects.toThrow('Could not find the file');
    });

    test('are written with owner, mode and time, also into what is mounted', async () => {
      await write(id, '/data', [
        { header: header('new', { type: 'directory', mode: 0o711, uid: 5, mtime: 77 }) },
        file('new/f', 'text', { mode: 0o4755, uid: 1234, gid: 4321, mtime: 1_700_000_000 }),
        { header: header('new/l', { type: 'symlink', linkname: '/etc/passwd', mode: 0o777 }) },
        { header: header('new/h', { type: 'hardlink', linkname: 'new/f' }) },
      ]);
      expect(await text(id, '/data/new/f')).toBe('text');
      expect(await scope.containers.files.stat(id, '/data/new')).toMatchObject({ mtime: '1970-01-01T00:01:17Z' });
      const { tar } = await scope.containers.files.read(id, '/data/new/f', NEVER);
      for await (const { header } of readTar(tar)) {
        expect(header).toMatchObject({ uid: 1234, gid: 4321, mode: 0o4755, mtime: 1_700_000_000 });
      }
      await write(id, '/bound', [file('from', 'container')]);
      expect(readFileSync(join(outside, 'bound/from'), 'utf8')).toBe('container');
      await write(id, '/deep/volume', [file('v', 'in the volume')]);
      expect(readFileSync(join(scope.volumes.get('kept-vol').folder, 'v'), 'utf8')).toBe('in the volume');
      await expect(write(id, '/fixed', [file('no', '')])).rejects.toMatchObject({
        message: 'mounted volume is marked read-only',
      });
    });

    test('are not written where docker does not', async () => {
      await expect(write(id, '/nosuch', [])).rejects.toThrow('Could not find the file /nosuch in container');
      await expect(write(id, '/data/file', [])).rejects.toThrow('extraction point is not a directory');
      const circle = { header: header('circle', { type: 'symlink', linkname: 'circle', mode: 0o777 }) };
      await expect(write(id, '/data', [circle, file('circle/x', 'x')])).rejects.toMatchObject({
        code: 'invalid',
        message: 'Error processing tar file(exit status 1): circle/x: too many levels of symbolic links',
      });
      const keep = { ...PLAIN, noOverwriteDirNonDir: true };
      await expect(write(id, '/', [file('data', 'x')], keep)).rejects.toThrow(
        'cannot overwrite directory "/data" with non-directory "/"',
      );
      await expect(write(id, '/', [{ header: header('data/file', { type: 'directory' }) }], keep)).rejects.toThrow(
        'cannot overwrite non-directory "/data/file" with directory "/"',
      );
      await write(id, '/', [file('data', 'now a file')]);
      expect(await text(id, '/data')).toBe('now a file');
    });

    test('stay inside, whatever an archive says', async () => {
      await expect(write(id, '/data', [file('../../evil', 'x')])).rejects.toThrow('"../../evil" is outside of "/data"');
      await expect(
        write(id, '/data', [{ header: header('h', { type: 'hardlink', linkname: '../../../../etc/passwd' }) }]),
      ).rejects.toMatchObject({ code: 'invalid' });
      await write(id, '/data', [
        { header: header('up', { type: 'symlink', linkname: `../../../../../../..${outside}` }) },
        { header: header('abs', { type: 'symlink', linkname: '/etc' }) },
        file('abs/through', 'x'),
      ]);
      await expect(write(id, '/data', [file('up/out', 'x')])).rejects.toThrow();
      expect(existsSync(join(outside, 'out'))).toBe(false);
      expect(existsSync('/etc/through')).toBe(false);
      expect(await text(id, '/etc/through')).toBe('x');
    });

    test('are complete after a broken archive was refused', async () => {
      const cut = async function* () {
        yield Buffer.concat([...(await collect(writeTar([file('whole', 'x'.repeat(2000))])))]).subarray(0, 1000);
      };
      await expect(scope.containers.files.write(id, '/data', cut(), PLAIN)).rejects.toMatchObject({ code: 'invalid' });
      expect(await text(id, '/data/file')).toBe('hi\n');
    });
  });

  test('what a stopped one reads and another writes may be the same', async () => {
    const [id, other] = [await scope.create('true'), await scope.create('true')];
    await write(id, '/data', [file('big', 'x'.repeat(5_000_000))]);
    const { tar } = await scope.containers.files.read(id, '/data', NEVER);
    await scope.containers.files.write(other, '/', tar, PLAIN);
    const again = await scope.containers.files.read(id, '/data', NEVER);
    await scope.containers.files.write(id, '/etc', again.tar, PLAIN); // pipes to itself
    expect((await text(other, '/data/big')).length).toBe(5_000_000);
    expect((await text(id, '/etc/data/big')).length).toBe(5_000_000);
  });

  test('a start waits for whoever reads, and not for one that has gone', async () => {
    const id = await scope.create('true');
    const gone = new AbortController();
    await scope.containers.files.read(id, '/', gone.signal);
    let started = false;
    const starting = scope.containers.start(id).then(() => {
      started = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(started).toBe(false);
    gone.abort();
    await starting;
  });

  test('go to the user of the container when that is asked for', async () => {
    const id = await scope.create('true', { user: 'app' });
    await write(id, '/data', [file('mine', '', { uid: 7 })], { ...PLAIN, copyUidGid: true });
    const { tar } = await scope.containers.files.read(id, '/data/mine', NEVER);
    for await (const { header } of readTar(tar)) expect(header).toMatchObject({ uid: 1000, gid: 1001 });
  });

  test('a root that is read-only is so for cp', async () => {
    const id = await scope.create('true', { readonlyRootfs: true });
    await expect(write(id, '/data', [file('x', '')])).rejects.toThrow('container rootfs is marked read-only');
  });

  test('links of an image lead no mount to this machine', async () => {
    execFileSync('ln', ['-sfn', outside, join(scope.machine.image, 'trap')]);
    mkdirSync(join(outside, 'source'));
    const mounts = [
      { kind: 'bind', source: join(outside, 'source'), target: '/trap', readonly: false, create: false } as const,
    ];
    const id = await scope.create('true', { mounts });
    await write(id, '/trap', [file('x', '')]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(outside);
    expect(existsSync(join(outside, 'x'))).toBe(false);
    expect(existsSync(join(outside, 'source/x'))).toBe(true);
    rmSync(join(scope.machine.image, 'trap'));
  });

  test('differences are told as docker tells them', async () => {
    const { id } = await scope.run(
      'touch /etc/new; echo x >> /data/file; rm /data/sub/s; rm -r /link; mkdir /newdir; touch /newdir/f; chmod 700 /bin',
    );
    const told = async (name: string) =>
      (await scope.containers.changes(name)).map(
        ({ path, kind }) => `${{ modified: 'C', added: 'A', deleted: 'D' }[kind]} ${path}`,
      );
    expect(await told(id)).toEqual([
      'C /bin',
      'C /data',
      'C /data/file',
      'C /data/sub',
      'D /data/sub/s',
      'C /etc',
      'A /etc/new',
      'D /link',
      'A /newdir',
      'A /newdir/f',
    ]);
    const replaced = await scope.run(
      'rm -r /data/sub; mkdir /data/sub; touch /data/sub/n; mkdir /d2; mv /etc/group /d2/g; chmod 600 /etc/passwd; ' +
        'ln -s x /d2/l; rm /abslink; mkdir /abslink; touch /data/file',
    );
    expect(await told(replaced.id)).toEqual([
      'C /abslink',
      'A /d2',
      'A /d2/g',
      'A /d2/l',
      'C /data',
      'C /data/file',
      'C /data/sub',
      'A /data/sub/n',
      'D /data/sub/s',
      'C /etc',
      'D /etc/group',
      'C /etc/passwd',
    ]);
    expect(await scope.containers.size(id)).toBe(5);
    await scope.containers.withFiles(id, true, async ({ upper, lowers }) => {
      expect(statSync(join(upper, 'newdir/f')).isFile()).toBe(true);
      expect(lowers).toEqual([scope.machine.image]);
    });
  });
});

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return parts;
}
