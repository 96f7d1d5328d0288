import { describe, expect, it } from 'vitest';
import type { TreeEntry } from '../trees/entry.ts';
import { Listing } from '../trees/listing.ts';
import { MergedTree } from '../trees/merged-tree.ts';
import { ArchivePlaces } from './archive-places.ts';

function entry(path: string, type: TreeEntry['type'] = 'file', link?: string): TreeEntry {
  return { path, type, mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: 1n, link };
}

function base(...entries: TreeEntry[]): MergedTree {
  const listing = new Listing();
  for (const each of entries) listing.add({ kind: 'entry', entry: each });
  return new MergedTree(async (i) => (i === 0 ? listing : undefined));
}

async function placed(tree: MergedTree, folder: string, ...entries: TreeEntry[]): Promise<string[]> {
  const places = new ArchivePlaces(tree, 0n);
  const out: string[] = [];
  for (const each of entries)
    for (const { path, type, link } of await places.place(folder, each))
      out.push(`${type} ${path}${link === undefined ? '' : ` -> ${link}`}`);
  return out;
}

describe('an unpacked archive goes', () => {
  const merged = base(entry('usr', 'folder'), entry('usr/bin', 'folder'), entry('bin', 'symlink', 'usr/bin'));

  it('through a link to a folder, with entries for the folders that it does not bring', async () => {
    expect(await placed(merged, '', entry('bin/tool'))).toEqual(['folder usr', 'folder usr/bin', 'file usr/bin/tool']);
  });

  it('instead of a link, where it brings a folder of that name', async () => {
    expect(await placed(merged, '', entry('bin', 'folder'), entry('bin/tool'))).toEqual([
      'folder bin',
      'file bin/tool',
    ]);
  });

  it("through the archive's own links, absolute ones below the image's root", async () => {
    const archive = [entry('real', 'folder'), entry('way', 'symlink', '/t/real'), entry('way/file')];
    expect(await placed(base(), 't', ...archive)).toEqual([
      'folder t',
      'folder t/real',
      'symlink t/way -> /t/real',
      'file t/real/file',
    ]);
  });

  it('with hard links to where their files went', async () => {
    expect(await placed(merged, '', entry('bin/a'), entry('bin/b', 'hardlink', 'bin/a'))).toContain(
      'hardlink usr/bin/b -> usr/bin/a',
    );
  });

  it('never out of the image', async () => {
    const out = base(entry('out', 'symlink', '../../../etc'));
    expect(await placed(out, '', entry('out/passwd'))).toEqual(['folder etc', 'file etc/passwd']);
  });

  it('nowhere, when a file stands on the way or links lead in a circle', async () => {
    await expect(placed(base(entry('a')), '', entry('a/b'))).rejects.toThrow('cannot unpack below /a: not a folder');
    const circle = base(entry('x', 'symlink', 'y'), entry('y', 'symlink', 'x'));
    await expect(placed(circle, '', entry('x/file'))).rejects.toThrow('too many levels of symbolic links');
  });
});
