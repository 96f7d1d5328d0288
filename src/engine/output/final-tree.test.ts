import { describe, expect, it } from 'vitest';
import type { Change } from '../trees/content-digest.ts';
import type { EntryType } from '../trees/entry.ts';
import { Listing } from '../trees/listing.ts';
import { FinalTree } from './final-tree.ts';

const entry = (path: string, type: EntryType, link?: string, mode = 0o755): Change => ({
  kind: 'entry',
  entry: { path, type, mode, uid: 0, gid: 0, size: 0, mtimeNs: 0n, link },
});

/** Layers, the lowest first. */
function tree(...layers: Change[][]): FinalTree {
  return new FinalTree(
    layers.map((changes) => {
      const listing = new Listing();
      for (const change of changes) listing.add(change);
      return listing;
    }),
  );
}

describe('what remains of layers', () => {
  it('follows no more links in a path than the kernel does, however they multiply', () => {
    const links = Array.from({ length: 30 }, (_, n) => entry(`l${n}`, 'symlink', `/l${n + 1}/../l${n + 1}`));
    const started = performance.now();
    expect(() => tree([entry('l30', 'symlink', '/'), ...links, entry('l0/x', 'file')])).toThrow(/too many levels/);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('comes from the uppermost layer that has it', () => {
    const both = tree([entry('a', 'file'), entry('b', 'file')], [entry('a', 'file')]);
    expect(both.at('a')?.layer).toBe(1);
    expect(both.at('b')?.layer).toBe(0);
    expect(both.gives(0)).toBe(true);
    expect(tree([entry('a', 'file')], [entry('a', 'file')]).gives(0)).toBe(false);
  });

  it('keeps a folder that a layer only passes through as the layer below has it', () => {
    const passed = tree([entry('tmp', 'folder', undefined, 0o1777)], [entry('tmp/x', 'file')]);
    expect(passed.at('tmp')?.entry.mode).toBe(0o1777);
  });

  it('loses what is removed, emptied, or had its folder become a file', () => {
    const low = [entry('d', 'folder'), entry('d/f', 'file')];
    expect(tree(low, [{ kind: 'whiteout', path: 'd/f' }]).at('d/f')).toBeUndefined();
    expect(tree(low, [{ kind: 'whiteout', path: 'd' }]).at('d')).toBeUndefined();
    expect(tree(low, [entry('d', 'folder'), { kind: 'opaque', path: 'd' }]).at('d/f')).toBeUndefined();
    expect(tree(low, [entry('d', 'file')]).at('d/f')).toBeUndefined();
    // in whatever order the tar has it, the removal means the layers below
    expect(tree(low, [entry('d/f', 'file'), { kind: 'whiteout', path: 'd/f' }]).at('d/f')?.layer).toBe(1);
  });

  it('lies where links of the same layer lead, and replaces links of a lower one, as overlayfs has it', () => {
    const same = tree([entry('lib', 'symlink', 'usr/lib'), entry('lib/x', 'file'), entry('up/y', 'file')]);
    expect(same.of(0, 'lib/x')?.path).toBe('usr/lib/x');
    const below = tree([entry('lib', 'symlink', '/usr/lib')], [entry('lib/x', 'file')]);
    expect(below.at('lib/x')?.path).toBe('lib/x');
    const out = tree([entry('up', 'symlink', '../../../etc'), entry('up/x', 'file')]);
    expect(out.of(0, 'up/x')?.path).toBe('etc/x');
  });

  it('refuses a circle of links', () => {
    expect(() => tree([entry('a', 'symlink', 'b'), entry('b', 'symlink', 'a'), entry('a/x', 'file')])).toThrow(
      'too many levels of symbolic links',
    );
  });

  it('gives folders before those in them', () => {
    const paths = [...tree([entry('b/c', 'file'), entry('a/d/e', 'file')]).folders()].map(({ path }) => path);
    expect(paths).toEqual(['a', 'a/d', 'b']);
  });
});
