import { mkdir, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackTar } from './unpack-archive.ts';

let outside: string;
let root: string;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'slipway-unpack-'));
  root = await mkdtemp(join(outside, 'root-'));
});
afterEach(() => rm(outside, { recursive: true, force: true }));

async function unpack(...entries: [Partial<Header> & { name: string }, string?][]): Promise<number> {
  const tar = pack();
  for (const [header, text] of entries) tar.entry(header, text ?? '');
  tar.finalize();
  return unpackTar(tar as AsyncIterable<Uint8Array>, root, new AbortController().signal);
}

describe('a source archive', () => {
  it('keeps modes, times, links and empty folders', async () => {
    const mtime = new Date('2020-01-02T03:04:05Z');
    const count = await unpack(
      [{ name: 'a/', type: 'directory', mode: 0o750, mtime }],
      [{ name: 'empty', type: 'directory', mode: 0o755 }],
      [{ name: 'a/run.sh', mode: 0o755, mtime }, 'text'],
      [{ name: 'a/link', type: 'symlink', linkname: '../nowhere' }],
      [{ name: 'same', type: 'link', linkname: 'a/run.sh' }],
      [{ name: 'deep/in/side' }, 'x'],
    );
    expect(count).toBe(6);
    expect((await stat(join(root, 'a/run.sh'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(root, 'a/run.sh'))).mtime).toEqual(mtime);
    expect((await stat(join(root, 'a'))).mode & 0o7777).toBe(0o750);
    expect((await stat(join(root, 'a'))).mtime).toEqual(mtime);
    expect(await readlink(join(root, 'a/link'))).toBe('../nowhere');
    expect((await stat(join(root, 'same'))).ino).toBe((await stat(join(root, 'a/run.sh'))).ino);
    expect(await readFile(join(root, 'deep/in/side'), 'utf8')).toBe('x');
  });

  it.each<[string, [Partial<Header> & { name: string }, string?][]]>([
    ['a name with ..', [[{ name: '../evil' }, 'x']]],
    ['a file through a link', [[{ name: 'l', type: 'symlink', linkname: '..' }], [{ name: 'l/evil' }, 'x']]],
    ['a hard link that leads out', [[{ name: 'h', type: 'link', linkname: '../../etc/passwd' }]]],
    [
      'a hard link through a link',
      [[{ name: 'l', type: 'symlink', linkname: '/etc' }], [{ name: 'h', type: 'link', linkname: 'l/passwd' }]],
    ],
    ['a device', [[{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }]]],
  ])('refuses %s', async (_, entries) => {
    await expect(unpack(...entries)).rejects.toMatchObject({ code: 'invalid' });
    await expect(stat(join(outside, 'evil'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('replaces a link by a file of the same name instead of writing through it', async () => {
    await unpack([{ name: 'x', type: 'symlink', linkname: '../evil' }], [{ name: 'x' }, 'inside']);
    expect(await readFile(join(root, 'x'), 'utf8')).toBe('inside');
    await expect(stat(join(outside, 'evil'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('changes no mode and no time outside, when links take the place of its folders', async () => {
    const victim = join(outside, 'victim');
    await mkdir(join(victim, 'inner'), { recursive: true, mode: 0o700 });
    const before = await stat(join(victim, 'inner'));
    await unpack(
      [{ name: 'a', type: 'directory', mode: 0o777 }],
      [{ name: 'b', type: 'directory', mode: 0o777 }],
      [{ name: 'b/inner', type: 'directory', mode: 0o777 }],
      [{ name: 'a', type: 'symlink', linkname: victim }],
      [{ name: 'b', type: 'symlink', linkname: victim }],
    );
    expect((await stat(victim)).mode & 0o777).toBe(0o700);
    const after = await stat(join(victim, 'inner'));
    expect(after.mode & 0o777).toBe(0o700);
    expect(after.mtimeMs).toBe(before.mtimeMs);
  });

  it('is stopped before it fills the disk, however small it was when it was packed', async () => {
    const tar = pack();
    tar.entry({ name: 'bomb' }, Buffer.alloc(1 << 20));
    tar.finalize();
    const signal = new AbortController().signal;
    await expect(unpackTar(tar as AsyncIterable<Uint8Array>, root, signal, 1e18)).rejects.toMatchObject({
      code: 'exhausted',
      message: expect.stringContaining('no space left'),
    });
  });
});
