import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { getXattr, setXattr } from '../../../src/kernel/xattr.ts';
import { Machine, makeImage, pathsBelow, whyNoContainers } from './machine.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`what a container changes${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
  });
  afterEach(() => expect(machine.leftovers()).toEqual([]));
  afterAll(() => machine.remove());

  test('nothing, when it changed nothing', async () => {
    expect((await machine.run('ls -la / /etc /dev; cat /etc/resolv.conf')).changed).toEqual([]);
  });

  test('new files, and removed ones as whiteouts', async () => {
    const done = await machine.run('touch /etc/new; rm /etc/group; chmod 600 /etc/passwd');
    expect(done.changed).toEqual(['etc', 'etc/group', 'etc/new', 'etc/passwd']);
    const whiteout = lstatSync(join(done.upper, 'etc/group'));
    expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0]);
    expect(lstatSync(join(done.upper, 'etc/passwd')).size).toBeGreaterThan(0); // the file itself, no metacopy
  });

  test('a folder that was removed and made again is opaque', async () => {
    const lowers = [layer(machine, 'opaque', { 'opt/old': 'text' }), machine.image];
    const { upper } = machine.spec('').rootfs;
    const done = await machine.run('rm -r /opt; mkdir /opt; touch /opt/new', { rootfs: { lowers, upper } });
    expect(done.code).toBe(0);
    expect(pathsBelow(upper)).toEqual(['opt', 'opt/new']);
    expect(getXattr(join(upper, 'opt'), 'trusted.overlay.opaque')?.toString()).toBe('y');
  });

  test('a renamed folder is whole in the upper and no redirect to another layer', async () => {
    const lowers = [layer(machine, 'renamed', { 'opt/dir/inside': 'text' }), machine.image];
    const { upper } = machine.spec('').rootfs;
    const done = await machine.run('mv /opt/dir /opt/moved', { rootfs: { lowers, upper } });
    expect(done.code).toBe(0);
    expect(readFileSync(join(upper, 'opt/moved/inside'), 'utf8')).toBe('text');
    expect(getXattr(join(upper, 'opt/moved'), 'trusted.overlay.redirect')).toBeUndefined();
  });

  test('the folders around mount points keep mode, owner, time and attributes of the image', async () => {
    const image = join(machine.folder, 'attributes');
    makeImage(image);
    setXattr(join(image, 'etc'), 'user.colour', Buffer.from('blue'));
    utimesSync(join(image, 'etc'), 1000, 1_234_567_890);
    const upper = machine.spec('').rootfs.upper;
    const script = 'stat -c "%a %Y" /etc; touch -d @1 /etc/passwd; stat -c %Y /etc';
    const done = await machine.run(script, { rootfs: { lowers: [image], upper } });
    expect(done.stdout).toBe('755 1234567890\n1234567890\n');
    expect(getXattr(join(upper, 'etc'), 'user.colour')?.toString()).toBe('blue');
    expect(lstatSync(join(upper, 'etc')).mtimeMs).toBe(1_234_567_890_000);
  });

  test('a resolv.conf that is a link into a folder that is missing works, and stays a link', async () => {
    const image = join(machine.folder, 'linked');
    makeImage(image);
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(image, 'etc/resolv.conf'));
    const upper = machine.spec('').rootfs.upper;
    const done = await machine.run('cat /etc/resolv.conf > /copy', { rootfs: { lowers: [image], upper } });
    expect(done.code).toBe(0);
    expect(lstatSync(join(upper, 'copy')).isFile()).toBe(true);
    expect(() => lstatSync(join(upper, 'run'))).toThrow(/ENOENT/);
    expect(readlinkSync(join(image, 'etc/resolv.conf'))).toBe('../run/systemd/resolve/stub-resolv.conf');
  });

  test('links of an image do not lead mount points or users out of it', async () => {
    const image = join(machine.folder, 'hostile');
    makeImage(image);
    rmSync(join(image, 'etc/passwd'));
    symlinkSync('/../../../../../../etc/passwd', join(image, 'etc/passwd'));
    symlinkSync('/../../../tmp', join(image, 'escape'));
    const upper = machine.spec('').rootfs.upper;
    const source = join(machine.folder, 'bound');
    mkdirSync(source);
    await expect(
      machine.run('true', {
        user: 'daemon', // the host has one
        rootfs: { lowers: [image], upper },
        mounts: [{ kind: 'bind', source, target: '/escape/slipway-mount', readonly: true }],
      }),
    ).rejects.toMatchObject({ message: /no matching entries|can't be read/ });
    expect(() => lstatSync('/tmp/slipway-mount')).toThrow(/ENOENT/);
  });

  test('an empty image is nothing but mount points', async () => {
    const upper = machine.spec('').rootfs.upper;
    mkdirSync(join(upper, 'bin'));
    await expect(machine.run('true', { rootfs: { lowers: [], upper } })).rejects.toMatchObject({ exitCode: 127 });
  });

  test('125 layers with long paths are one file system', async () => {
    const long = 'sixty-four-hexadecimal-digits-and-more-so-that-paths-are-as-long-as-real-ones';
    const lowers = Array.from({ length: 125 }, (_, index) => {
      return layer(machine, `${long}-${index}`, { [`layers/${index}`]: `of ${index}`, 'layers/top': String(index) });
    });
    const upper = machine.spec('').rootfs.upper;
    const done = await machine.run('ls /layers | grep -c .; cat /layers/top /layers/124', {
      rootfs: { lowers: [...lowers, machine.image], upper },
    });
    expect(done).toMatchObject({ code: 0, stdout: '126\n0of 124' });
  });
});

function layer(machine: Machine, name: string, files: Record<string, string>): string {
  const folder = join(machine.folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
