import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readZip } from './read-zip.ts';
import { unpackEntries } from './unpack-archive.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-zip-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function unpack(zip: Buffer): Promise<string> {
  const path = join(root, 'x.zip');
  const target = join(root, 'out');
  await writeFile(path, zip);
  await mkdir(target);
  await unpackEntries(readZip(path), target, new AbortController().signal);
  return target;
}

interface Part {
  name: string;
  data?: Buffer | string;
  mode?: number;
  method?: number;
  /** What the directory says in place of the truth. */
  says?: { size?: number; crc?: number; flags?: number };
}

/** A zip by hand, as no honest program writes it. */
function zipOf(parts: Part[]): Buffer {
  const locals: Buffer[] = [];
  const members: Buffer[] = [];
  let at = 0;
  for (const { name, data = '', mode = 0o100644, method = 8, says = {} } of parts) {
    const bytes = Buffer.from(data);
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30);
    locals.push(local, packed);
    const member = Buffer.alloc(46 + name.length);
    member.writeUInt32LE(0x02014b50, 0);
    member.writeUInt8(3, 5);
    member.writeUInt16LE(says.flags ?? 0, 8);
    member.writeUInt16LE(method, 10);
    member.writeUInt16LE(0x21, 14);
    member.writeUInt32LE(says.crc ?? crc32(bytes), 16);
    member.writeUInt32LE(packed.length, 20);
    member.writeUInt32LE(says.size ?? bytes.length, 24);
    member.writeUInt16LE(name.length, 28);
    member.writeUInt16LE(mode, 40);
    member.writeUInt32LE(at, 42);
    member.write(name, 46);
    members.push(member);
    at += local.length + packed.length;
  }
  const directory = Buffer.concat(members);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

describe('a zip', () => {
  it.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'comes out as a program packed it: modes, times, links, folders, stored and deflated (needs python3)',
    async () => {
      const source = join(root, 'in');
      await mkdir(join(source, 'a/empty'), { recursive: true });
      await writeFile(join(source, 'a/run'), '#!/bin/sh\n');
      await chmod(join(source, 'a/run'), 0o755);
      await utimes(join(source, 'a/run'), 1_000_000_000, 1_000_000_000);
      await writeFile(join(source, 'long'), Buffer.alloc(3 << 20, 'text '));
      await symlink('a/run', join(source, 'link'));
      // python's, because a machine may have no zip; modes and links by the attributes that it writes
      const script = `
import os, sys, zipfile
z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)
for top, folders, files in os.walk('.'):
    for name in folders + files:
        path = os.path.join(top, name)
        if os.path.islink(path):
            info = zipfile.ZipInfo(path); info.create_system = 3; info.external_attr = 0o120777 << 16
            z.writestr(info, os.readlink(path))
        else: z.write(path)
z.close()`;
      execFileSync('python3', ['-c', script, join(root, 'made.zip')], {
        cwd: source,
        env: { ...process.env, TZ: 'UTC' },
      });
      const out = await unpack(await readFile(join(root, 'made.zip')));
      expect((await readdir(out)).sort()).toEqual(['a', 'link', 'long']);
      expect((await readFile(join(out, 'long'))).equals(Buffer.alloc(3 << 20, 'text '))).toBe(true);
      expect(await readlink(join(out, 'link'))).toBe('a/run');
      const run = await stat(join(out, 'a/run'));
      expect([run.mode & 0o777, run.mtimeMs / 1000]).toEqual([0o755, 1_000_000_000]);
    },
  );

  it.each<[what: string, zip: () => Buffer, message: RegExp]>([
    ['a name that leads out', () => zipOf([{ name: '../../x', data: 'evil' }]), /leads out/],
    [
      'a file below its own link',
      () => zipOf([{ name: 'a', data: '/tmp', mode: 0o120777 }, { name: 'a/x' }]),
      /is a link or a file/,
    ],
    ['a device', () => zipOf([{ name: 'null', mode: 0o020666 }]), /neither file, folder nor link/],
    [
      'more bytes than it says',
      () => zipOf([{ name: 'bomb', data: Buffer.alloc(9 << 20), says: { size: 10 } }]),
      /longer than/,
    ],
    ['other bytes than it says', () => zipOf([{ name: 'x', data: 'x', says: { crc: 1 } }]), /other bytes/],
    ['encryption', () => zipOf([{ name: 'x', says: { flags: 1 } }]), /encrypted/],
    ['an odd method', () => zipOf([{ name: 'x', method: 12 }]), /method 12/],
    ['no directory', () => Buffer.from('PK\x03\x04 and nothing more'), /no directory/],
    ['nothing at all', () => Buffer.alloc(0), /no directory|cut off/],
    ['a directory that is cut off', () => Buffer.concat([zipOf([{ name: 'x' }]).subarray(40)]), /cut off|damaged/],
  ])('with %s is refused at once', async (_what, zip, message) => {
    const started = performance.now();
    await expect(unpack(zip())).rejects.toThrow(message);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
