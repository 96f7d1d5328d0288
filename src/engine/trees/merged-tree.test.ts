import { describe, expect, it } from 'vitest';
import type { Change } from './content-digest.ts';
import type { EntryType } from './entry.ts';
import { Listing } from './listing.ts';
import { readListing, writeListing } from './listing-text.ts';
import { MergedTree } from './merged-tree.ts';

const entry = (path: string, type: EntryType, mode = 0o755, link?: string): Change => ({
  kind: 'entry',
  entry: { path, type, mode, uid: 0, gid: 0, size: 0, mtimeNs: 0n, link },
});

/** Layers, the topmost first; says how many of them were asked for. */
function tree(...layers: Change[][]) {
  const listings = layers.map((changes) => {
    const listing = new Listing();
    for (const change of changes) listing.add(change);
    return listing;
  });
  let read = 0;
  const merged = new MergedTree(async (i) => {
    read = Math.max(read, i + 1);
    return listings[i];
  });
  return { merged, listings, read: () => read };
}

describe('lookup', () => {
  it('answers from the uppermost layer that has the path, and reads no further', async () => {
    const { merged, read } = tree([entry('a', 'folder', 0o700)], [entry('a', 'folder', 0o755)]);
    expect(await merged.lookup('a')).toMatchObject({ mode: 0o700 });
    expect(read()).toBe(1);
  });

  it('takes the metadata of a folder that a layer only passes through from below', async () => {
    const { merged } = tree([entry('tmp/x', 'file')], [entry('tmp', 'folder', 0o1777)]);
    expect(await merged.lookup('tmp')).toMatchObject({ type: 'folder', mode: 0o1777 });
  });

  it.each<[why: string, upper: Change[]]>([
    ['removed', [{ kind: 'whiteout', path: 'd/f' }]],
    ['in a removed folder', [{ kind: 'whiteout', path: 'd' }]],
    ['in an emptied folder', [entry('d', 'folder'), { kind: 'opaque', path: 'd' }]],
    ['in a folder that became a file', [entry('d', 'file')]],
  ])('does not see what was %s', async (_, upper) => {
    const { merged } = tree(upper, [entry('d', 'folder'), entry('d/f', 'file')]);
    expect(await merged.lookup('d/f')).toBeUndefined();
  });
});

describe('resolve', () => {
  const { merged } = tree([
    entry('usr/bin', 'folder'),
    entry('bin', 'symlink', 0o777, 'usr/bin'),
    entry('abs', 'symlink', 0o777, '/usr/bin'),
    entry('up', 'symlink', 0o777, '../../../usr/bin'),
    entry('loop', 'symlink', 0o777, 'loop'),
  ]);
  it.each([
    ['bin/tool', 'usr/bin/tool'],
    ['abs/tool', 'usr/bin/tool'],
    ['up/tool', 'usr/bin/tool'],
    ['bin/../x', 'usr/x'],
    ['new/deep/file', 'new/deep/file'],
    ['../../etc', 'etc'],
  ])('%s is %s', async (path, real) => {
    expect((await merged.resolve(path, true)).path).toBe(real);
  });

  it('leaves a link in the last place alone when asked', async () => {
    expect((await merged.resolve('bin', false)).entry?.type).toBe('symlink');
  });

  it('gives up on a circle', async () => {
    expect((await merged.resolve('loop/x', true)).path).toBe('loop/x');
  });
});

it('finds the text of a kept file in the layer that wrote it last', async () => {
  const { merged, listings } = tree(
    [entry('etc/group', 'file')],
    [entry('etc/group', 'file'), entry('etc/passwd', 'file')],
  );
  listings[0]?.texts.set('etc/group', 'upper');
  listings[1]?.texts.set('etc/group', 'lower').set('etc/passwd', 'users');
  expect(await merged.text('etc/group')).toBe('upper');
  expect(await merged.text('etc/passwd')).toBe('users');
  expect(await merged.text('etc/shadow')).toBeUndefined();
});

it('survives being written down', () => {
  const { listings } = tree([entry('a/b', 'file'), { kind: 'whiteout', path: 'c' }, { kind: 'opaque', path: 'd' }]);
  const listing = listings[0];
  expect(readListing(writeListing(listing ?? new Listing()))).toEqual(listing);
});
