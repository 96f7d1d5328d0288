import { describe, expect, it } from 'vitest';
import type { CopyOperation } from '../../dockerfile/program.ts';
import type { Selected } from '../context/select.ts';
import type { SourceEntry } from '../context/source-tree.ts';
import type { EntryType } from '../trees/entry.ts';
import { Listing } from '../trees/listing.ts';
import { MergedTree } from '../trees/merged-tree.ts';
import { planCopy } from './copy-plan.ts';

let inode = 0n;
const source = (path: string, type: EntryType = 'file', rest: Partial<SourceEntry> = {}): SourceEntry => ({
  path,
  type,
  mode: type === 'folder' ? 0o750 : 0o640,
  uid: 0,
  gid: 0,
  size: 1,
  mtimeNs: 5n,
  ctimeNs: 5n,
  dev: 1n,
  ino: ++inode,
  links: 1,
  ...rest,
});
const file = (path: string): Selected => ({
  name: path.split('/').at(-1) ?? '',
  kept: path,
  folders: [],
  entry: source(path),
  content: [],
});
const folder = (path: string, ...content: SourceEntry[]): Selected => ({
  name: path,
  kept: path,
  folders: [],
  entry: source(path, 'folder'),
  content,
});

function base(...entries: [path: string, type: EntryType, mode: number, link?: string][]): MergedTree {
  const listing = new Listing();
  for (const [path, type, mode, link] of entries)
    listing.add({ kind: 'entry', entry: { path, type, mode, uid: 0, gid: 0, size: 0, mtimeNs: 1n, link } });
  return new MergedTree(async (i) => (i === 0 ? listing : undefined));
}

async function plan(
  selected: Selected[],
  destination: string,
  tree: MergedTree,
  rest: Partial<CopyOperation> & { owner?: { uid: number; gid: number } } = {},
): Promise<string[]> {
  const { owner, ...flags } = rest;
  const operation: CopyOperation = {
    kind: 'copy',
    text: 'COPY',
    place: { file: 'Dockerfile', ranges: [] },
    from: { kind: 'context' },
    sources: [],
    inline: [],
    destination,
    intoFolder: destination.endsWith('/'),
    link: false,
    parents: false,
    exclude: [],
    keepGitDir: false,
    ...flags,
  };
  const planned = await planCopy(
    { operation, selected, archives: new Set(), owner, mode: undefined, madeNs: 9n },
    tree,
  );
  return planned.map(({ entry }) =>
    [entry.path, entry.type, entry.mode.toString(8), entry.uid, entry.link]
      .filter((part) => part !== undefined)
      .join(' '),
  );
}

const EMPTY = MergedTree.empty;

describe('where things land', () => {
  it('a file under its new name', async () => {
    expect(await plan([file('a')], '/b', EMPTY)).toEqual(['b file 640 0']);
  });

  it('a file in a folder that is written with a slash, made with all above it', async () => {
    expect(await plan([file('a')], '/x/y/', EMPTY)).toEqual(['x folder 755 0', 'x/y folder 755 0', 'x/y/a file 640 0']);
  });

  it('a file in a folder that exists, which keeps its metadata', async () => {
    expect(await plan([file('a')], '/tmp', base(['tmp', 'folder', 0o1777]))).toEqual([
      'tmp folder 1777 0',
      'tmp/a file 640 0',
    ]);
  });

  it('a file in the place of one that exists', async () => {
    expect(await plan([file('a')], '/b', base(['b', 'file', 0o600]))).toEqual(['b file 640 0']);
  });

  it("a folder's content, with the source's metadata below the destination", async () => {
    const content = [source('s/d', 'folder'), source('s/d/f')];
    expect(await plan([folder('s', ...content)], '/t', EMPTY)).toEqual([
      't folder 755 0',
      't/d folder 750 0',
      't/d/f file 640 0',
    ]);
  });

  it('with --parents, in folders that are as in the source; one that exists keeps its owner', async () => {
    const tree = base(['p', 'folder', 0o755], ['p/a', 'folder', 0o700]);
    const folders = [
      { name: 'a', entry: source('s/a', 'folder', { uid: 7 }) },
      { name: 'b', entry: source('s/a/b', 'folder', { uid: 7, mode: 0o2711 }) },
    ];
    const item = { ...file('s/a/b/f'), kept: 'a/b/f', folders };
    expect(await plan([item], '/p/', tree, { parents: true })).toEqual([
      'p folder 755 0',
      'p/a folder 750 0',
      'p/a/b folder 2711 7',
      'p/a/b/f file 640 0',
    ]);
  });

  it('with --parents, not where the image has a file on the way', async () => {
    const folders = [{ name: 'a', entry: source('a', 'folder') }];
    const item = { ...file('a/f'), folders };
    await expect(plan([item], '/', base(['a', 'file', 0o644]), { parents: true })).rejects.toThrow(
      'cannot copy to non-directory: /a',
    );
  });

  it('through links of the base, absolute ones too', async () => {
    const tree = base(['usr/bin', 'folder', 0o755], ['bin', 'symlink', 0o777, '/usr/bin']);
    expect(await plan([file('a')], '/bin/tool', tree)).toContain('usr/bin/tool file 640 0');
    const rootfs = folder('', source('bin', 'folder'), source('bin/x'));
    expect(await plan([rootfs], '/', tree)).toEqual([
      'usr folder 755 0',
      'usr/bin folder 755 0',
      'usr/bin/x file 640 0',
    ]);
  });

  it('new folders belong to the owner of --chown, old ones stay', async () => {
    const owner = { uid: 7, gid: 7 };
    expect(await plan([file('a')], '/srv/new/', base(['srv', 'folder', 0o755]), { owner })).toEqual([
      'srv folder 755 0',
      'srv/new folder 755 7',
      'srv/new/a file 640 7',
    ]);
  });

  it('a second name of a file as a hard link', async () => {
    const one = source('s/1', 'file', { links: 2 });
    expect(await plan([folder('s', one, { ...one, path: 's/2' })], '/', EMPTY)).toEqual([
      '1 file 640 0',
      '2 hardlink 640 0 1',
    ]);
  });

  it('the last of two sources with one name', async () => {
    expect(await plan([file('x/a'), file('y/a')], '/d/', EMPTY)).toEqual(['d folder 755 0', 'd/a file 640 0']);
  });

  it('several files and folders into a folder that exists, or folders into a new one', async () => {
    const tree = base(['app', 'folder', 0o755]);
    expect(await plan([file('a'), file('b')], '/app', tree)).toEqual(await plan([file('a'), file('b')], '/app/', tree));
    const folders = [folder('s', source('s/1')), folder('t', source('t/2'))];
    expect(await plan(folders, '/new', EMPTY)).toEqual(await plan(folders, '/new/', EMPTY));
  });

  it('nowhere, when several things want one name or a folder wants a file', async () => {
    await expect(plan([file('a'), file('b')], '/c', EMPTY)).rejects.toThrow('must be a directory and end with a /');
    await expect(plan([folder('s', source('s/f'))], '/f', base(['f', 'file', 0o644]))).rejects.toThrow(
      'cannot copy to non-directory: /f',
    );
  });
});
