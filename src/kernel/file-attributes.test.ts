import { closeSync, lstatSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyRange } from './copy-range.ts';
import { setTimes } from './file-times.ts';
import { parseMountTable } from './mount-table.ts';
import { deviceNumber, deviceParts, makeNode } from './node-file.ts';
import { spreadFolders } from './spread-folders.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from './xattr.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-attributes-'));
  file = join(folder, 'file');
  writeFileSync(file, '');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('times keep every nanosecond, before 1970 too, and belong to the link itself', () => {
  const link = join(folder, 'link');
  symlinkSync('file', link);
  for (const ns of [1_700_000_000_123_456_789n, -1n, 0n]) {
    setTimes(link, 5n, ns);
    expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(ns);
  }
  expect(lstatSync(file, { bigint: true }).mtimeNs).not.toBe(0n);
});

test('extended attributes are bytes of any length', () => {
  const value = Buffer.from([0, 255, 0, ...new Array(600).fill(7)]);
  setXattr(file, 'user.one', value);
  setXattr(file, 'user.empty', Buffer.alloc(0));
  expect(getXattr(file, 'user.one')).toEqual(value);
  expect(getXattr(file, 'user.empty')).toEqual(Buffer.alloc(0));
  expect(getXattr(file, 'user.none')).toBeUndefined();
  expect(
    listXattrs(file)
      .filter((name) => name.startsWith('user.'))
      .sort(),
  ).toEqual(['user.empty', 'user.one']);
  removeXattr(file, 'user.one');
  removeXattr(file, 'user.one');
  expect(getXattr(file, 'user.one')).toBeUndefined();
  expect(() => getXattr(join(folder, 'none'), 'user.one')).toThrow(/ENOENT/);
});

test('a FIFO can be made, and device numbers go both ways', () => {
  makeNode(join(folder, 'fifo'), 'fifo', 0o644);
  expect(lstatSync(join(folder, 'fifo')).isFIFO()).toBe(true);
  expect(deviceNumber(8, 1)).toBe(0x801n);
  expect(deviceParts(lstatSync('/dev/null', { bigint: true }).rdev)).toEqual({ major: 1, minor: 3 });
  expect(deviceParts(deviceNumber(0x12345, 0x6789ab))).toEqual({ major: 0x12345, minor: 0x6789ab });
});

test('the mount table is read with blanks in paths and with optional fields', () => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '40 22 0:30 / /a\\040b rw master:1 propagate_from:2 - overlay sl\\134ip rw,lowerdir=/x',
    '',
  ].join('\n');
  expect(parseMountTable(text)).toEqual([
    { id: 22, target: '/', type: 'ext4', source: '/dev/sda1', options: ['rw'] },
    { id: 40, target: '/a b', type: 'overlay', source: 'sl\\ip', options: ['rw', 'lowerdir=/x'] },
  ]);
});

test('a folder is asked to spread what is made in it as often as one likes, and where nobody knows how', () => {
  spreadFolders(folder);
  spreadFolders(folder);
  spreadFolders('/proc/self');
  expect(() => spreadFolders(file)).toThrow(/ENOTDIR/);
});

test('the kernel copies a part of a file, in pieces that can be called off', async () => {
  writeFileSync(file, 'before, within, behind');
  const [from, to] = [openSync(file, 'r'), openSync(join(folder, 'copy'), 'w+')];
  try {
    const asked: number[] = [];
    const piece = async (bytes: number) => void asked.push(bytes);
    const copied = await copyRange({ fd: from, at: 8 }, to, 6, piece);
    if (copied) expect(readFileSync(join(folder, 'copy'), 'utf8')).toBe('within');
    expect(asked).toEqual([6]);
    if (copied) await expect(copyRange({ fd: from, at: 20 }, to, 6, piece)).rejects.toThrow('ends 4 bytes early');
    const never = copyRange({ fd: from, at: 0 }, to, 6, async () => Promise.reject(new Error('called off')));
    await expect(never).rejects.toThrow('called off');
  } finally {
    for (const fd of [from, to]) closeSync(fd);
  }
});
