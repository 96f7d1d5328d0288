import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LayerItem, writeLayer } from '../../../src/engine/layers/write-layer.ts';
import { diffUpper } from '../../../src/engine/snapshots/diff.ts';
import { unpackLayer } from '../../../src/engine/snapshots/unpack.ts';
import type { TreeEntry } from '../../../src/engine/trees/entry.ts';
import { Listing } from '../../../src/engine/trees/listing.ts';
import { MergedTree } from '../../../src/engine/trees/merged-tree.ts';
import { decodeLayer } from '../../../src/images/decompress.ts';
import type { TarHeader } from '../../../src/images/tar/header.ts';
import { writeTar } from '../../../src/images/tar/write.ts';
import { layerChanges } from './image-files.ts';
import { isRoot } from './needs.ts';
import { openTestEngine, type TestEngine } from './test-engine.ts';

const NEVER = new AbortController().signal;
/** What is below: folders of the tree that the layer changes. */
function below(...paths: [path: string, mode: number][]): MergedTree {
  const listing = new Listing();
  for (const [path, mode] of paths) listing.add({ kind: 'entry', entry: entry(path, 'folder', { mode }) });
  return new MergedTree(async (i) => (i === 0 ? listing : undefined));
}

function entry(path: string, type: TreeEntry['type'], rest: Partial<TreeEntry> = {}): TreeEntry {
  return { path, type, mode: 0o644, uid: 0, gid: 0, size: 0, mtimeNs: 1_600_000_000_123_456_789n, ...rest };
}

function file(path: string, text: string, rest: Partial<TreeEntry> = {}): LayerItem {
  const size = Buffer.byteLength(text);
  return {
    kind: 'entry',
    entry: entry(path, 'file', { size, ...rest }),
    open: async function* () {
      yield Buffer.from(text);
    },
  };
}

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex'); // cap_net_bind_service, v2

describe.skipIf(!isRoot)('a layer from tar to tree and back', () => {
  let test: TestEngine;
  let folder: string;
  beforeAll(async () => {
    test = await openTestEngine();
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-tree-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const unpack = async (items: LayerItem[], lower = MergedTree.empty) => {
    const written = await writeLayer(test.deps.content, items, NEVER);
    await written.adopt();
    const { digest, mediaType } = written.layer.blob;
    await unpackLayer(decodeLayer(await test.deps.content.open(digest), mediaType), folder, lower, NEVER);
    return written;
  };

  it('keeps owners, modes, times, links, devices, capabilities and removals', async () => {
    const items: LayerItem[] = [
      { kind: 'entry', entry: entry('d', 'folder', { mode: 0o2750, uid: 5, gid: 6 }) },
      file('d/a', 'text', { mode: 0o4755, uid: 7, gid: 8 }),
      { kind: 'entry', entry: entry('d/again', 'hardlink', { mode: 0o4755, uid: 7, gid: 8, link: 'd/a' }) },
      file('d/capable', 'x', { xattrs: { 'security.capability': CAPABILITY, 'user.note': Buffer.from('n') } }),
      { kind: 'entry', entry: entry('d/fifo', 'fifo', { mode: 0o600 }) },
      { kind: 'entry', entry: entry('d/link', 'symlink', { mode: 0o777, uid: 9, gid: 9, link: '../nowhere' }) },
      { kind: 'entry', entry: entry('d/null', 'char', { mode: 0o666, device: { major: 1, minor: 3 } }) },
      { kind: 'entry', entry: entry('emptied', 'folder', { mode: 0o755 }) },
      { kind: 'opaque', path: 'emptied' },
      file('emptied/new', 'n'),
      { kind: 'whiteout', path: 'gone' },
      file('name-\u00fc-\uDCFF', 'odd'),
    ];
    const written = await unpack(items, below(['emptied', 0o700]));
    const again = await writeLayer(test.deps.content, diffUpper(folder, below(['emptied', 0o700])), NEVER);
    await again.adopt();
    expect(await layerChanges(test.deps, again.layer)).toEqual(await layerChanges(test.deps, written.layer));
    expect(again.contentDigest).toBe(written.contentDigest);
    expect(again.layer.diffID).toBe(written.layer.diffID);
  });

  it('gives a folder that the tar leaves out the metadata of the tree below', async () => {
    await unpack([file('tmp/x', 'x')], below(['tmp', 0o1777]));
    expect((await lstat(join(folder, 'tmp'))).mode & 0o7777).toBe(0o1777);
    const changes: LayerItem[] = [];
    for await (const item of diffUpper(folder, below(['tmp', 0o1777]))) changes.push(item);
    expect(changes.map((item) => (item.kind === 'entry' ? item.entry.path : item.kind))).toEqual(['tmp', 'tmp/x']);
  });

  it('writes nothing for folders that were only touched', async () => {
    await mkdir(join(folder, 'etc'));
    await mkdir(join(folder, 'etc/conf.d'));
    const changes: LayerItem[] = [];
    for await (const item of diffUpper(folder, below(['etc', 0o755], ['etc/conf.d', 0o755]))) changes.push(item);
    expect(changes).toEqual([]);
  });

  it('stays inside its folder, whatever links and names the tar has', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'slipway-outside-'));
    await writeFile(join(outside, 'victim'), 'untouched');
    const header = (name: string, type: TarHeader['type'], rest: Partial<TarHeader> = {}): TarHeader => ({
      name,
      type,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
      ...rest,
    });
    const evil = Buffer.from('evil');
    const tar = writeTar([
      { header: header('out', 'symlink', { linkname: outside }) },
      { header: header('out/victim', 'file', { size: 4 }), body: evil },
      { header: header('../../escaped', 'file', { size: 4 }), body: evil },
      { header: header('up', 'symlink', { linkname: '../../../../../..' }) },
      { header: header(`up${outside}/victim`, 'file', { size: 4 }), body: evil },
      { header: header('victim-link', 'symlink', { linkname: join(outside, 'victim') }) },
      { header: header('victim-link', 'file', { size: 4 }), body: evil },
    ]);
    await unpackLayer(tar, folder, MergedTree.empty, NEVER);
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('untouched');
    expect(await readFile(join(folder, 'escaped'), 'utf8')).toBe('evil');
    expect(await readFile(join(folder, outside, 'victim'), 'utf8')).toBe('evil');
    expect((await lstat(join(folder, 'victim-link'))).isFile()).toBe(true);
    await rm(outside, { recursive: true });
  });

  it('refuses a layer whose bytes are not those that the config promises', async () => {
    const written = await writeLayer(test.deps.content, [file('a', 'a')], NEVER);
    await written.adopt();
    const { digest, mediaType } = written.layer.blob;
    const lie = { diffID: `sha256:${'0'.repeat(64)}` as const };
    const tar = decodeLayer(await test.deps.content.open(digest), mediaType, lie);
    await expect(unpackLayer(tar, folder, MergedTree.empty, NEVER)).rejects.toMatchObject({ code: 'invalid' });
  });
});
