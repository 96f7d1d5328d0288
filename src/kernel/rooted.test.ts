import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  lstatBelow,
  lstatBelowIfThere,
  makeFoldersBelow,
  openBelow,
  placeBelow,
  readdirBelow,
  readFileBelow,
  readlinkBelow,
  statBelow,
} from './rooted.ts';

let outside: string;
let root: string;
const me = { mode: 0o755, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'slipway-rooted-'));
  root = join(outside, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'of the host');
  writeFileSync(join(root, 'etc/passwd'), 'of the tree');
});
afterEach(() => rmSync(outside, { recursive: true }));

describe('links that lead out', () => {
  test('an absolute link is resolved as if the root were /', async () => {
    symlinkSync('/etc/passwd', join(root, 'absolute'));
    expect((await readFileBelow(root, 'absolute', 100)).toString()).toBe('of the tree');
  });

  test('enough ".." end at the root, in paths and in links', async () => {
    symlinkSync('../../../../etc/passwd', join(root, 'up'));
    expect((await readFileBelow(root, 'up', 100)).toString()).toBe('of the tree');
    expect((await readFileBelow(root, '../../etc/passwd', 100)).toString()).toBe('of the tree');
    expect(() => statBelow(root, '../secret')).toThrow(/ENOENT/);
  });

  test('a link to a folder outside is no way out for what is created below it', async () => {
    symlinkSync(outside, join(root, 'exit'));
    await expect(placeBelow(root, 'exit/new', (place) => mkdir(place))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(placeBelow(root, '..', (place) => mkdir(place))).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

test('stat follows links and lstat does not', () => {
  symlinkSync('etc/passwd', join(root, 'link'));
  expect(statBelow(root, 'link').isFile()).toBe(true);
  expect(lstatBelow(root, 'link').isSymbolicLink()).toBe(true);
  expect(readlinkBelow(root, '/link')).toBe('etc/passwd');
  expect(lstatBelowIfThere(root, 'etc/passwd/below-a-file')).toBeUndefined();
});

test('a FIFO neither blocks nor is read', async () => {
  execFileSync('mkfifo', [join(root, 'fifo')]);
  await expect(readFileBelow(root, 'fifo', 100)).rejects.toMatchObject({ code: 'EINVAL' });
});

test('a file that is longer than expected is an error and not memory', async () => {
  await expect(readFileBelow(root, 'etc/passwd', 4)).rejects.toMatchObject({ code: 'EFBIG' });
});

test('folders are made with exact mode, through links inside the root, and counted', async () => {
  await symlink('/etc', join(root, 'conf'));
  expect(await makeFoldersBelow(root, '/conf/a/b', { ...me, mode: 0o777 })).toBe(2);
  expect((await stat(join(root, 'etc/a/b'))).mode & 0o7777).toBe(0o777);
  expect(await makeFoldersBelow(root, 'etc/a/b', me)).toBe(0);
  expect(await readdirBelow(root, 'etc')).toEqual(['a', 'passwd']);
});

test('files are created with the mode given, and a descriptor may stand for the root', () => {
  const folder = openBelow(root, '', constants.O_RDONLY | constants.O_DIRECTORY);
  const fd = openBelow(folder, 'etc/new', constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  writeFileSync(fd, 'text');
  closeSync(fd);
  closeSync(folder);
  expect(readFileSync(join(root, 'etc/new'), 'utf8')).toBe('text');
});

test('a name with a NUL is refused instead of being cut off', () => {
  expect(() => statBelow(root, 'etc/passwd\0.txt')).toThrow(/EINVAL/);
});

describe.skipIf(process.getuid?.() !== 0)('a device that a container made in the tree', () => {
  test.each([
    ['c', '1', '5'],
    ['b', '7', '250'],
  ])('of kind %s is opened for nobody', async (kind, major, minor) => {
    execFileSync('mknod', [join(root, 'device'), kind, major, minor]);
    symlinkSync('device', join(root, 'link'));
    for (const name of ['device', 'link'])
      for (const flags of [constants.O_RDONLY, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC])
        expect(() => openBelow(root, name, flags, 0o644)).toThrow(/EINVAL/);
    expect(statBelow(root, 'device').isFile()).toBe(false);
    await expect(readFileBelow(root, 'device', 10)).rejects.toThrow(/EINVAL/);
  });
});

describe('a file that is made', () => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;

  test('replaces what was there, through links of the tree', () => {
    symlinkSync('/etc/passwd', join(root, 'link'));
    closeSync(openBelow(root, 'link', flags, 0o644));
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toBe('');
    closeSync(openBelow(root, 'new', flags, 0o644));
    expect(readFileSync(join(root, 'new'), 'utf8')).toBe('');
  });

  test('is not made where a link leads nowhere', () => {
    symlinkSync('/nowhere', join(root, 'link'));
    expect(() => openBelow(root, 'link', flags, 0o644)).toThrow(/EEXIST/);
  });
});

test('folders that two make at once are there for both', async () => {
  await Promise.all(Array.from({ length: 20 }, () => makeFoldersBelow(root, 'a/b/c', me)));
  expect(statBelow(root, 'a/b/c').isDirectory()).toBe(true);
});
