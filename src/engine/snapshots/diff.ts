import { layerXattrs, OPAQUE_XATTR } from '../../containers/sandbox/overlay-marks.ts';
import { FolderTree } from '../context/folder-tree.ts';
import type { SourceEntry } from '../context/source-tree.ts';
import type { LayerItem } from '../layers/write-layer.ts';
import { ancestorsOf, type TreeEntry } from '../trees/entry.ts';
import type { ListedEntry } from '../trees/listing.ts';
import type { MergedTree } from '../trees/merged-tree.ts';

/**
 * What a command changed, read from the upper folder of its overlay, in sorted order: 0:0 devices are removals, folders
 * with trusted.overlay.opaque replaced all that was below them, files with one inode are hard links.
 *
 * A folder is in the upper as soon as something in it changed. It is written only when it is new, when its own metadata
 * changed, or when something below it is written (unpackers need its metadata then, with the time of the tree below: the
 * time at which a command touched a folder is noise, and would make every run another layer).
 */
export async function* diffUpper(upper: string, below: MergedTree): AsyncGenerator<LayerItem, void, undefined> {
  const tree = new FolderTree(upper, { foreign: false, readXattrs: layerXattrs });
  try {
    const linked = new Map<string, string>();
    const pending = new Map<string, TreeEntry>();
    /** The topmost folder on the way that hides what lies below it: all in it is new, also where it looks the same. */
    let hiding: string | undefined;
    for (const source of tree.walk('', () => false)) {
      if (hiding !== undefined && !source.path.startsWith(`${hiding}/`)) hiding = undefined;
      if (source.type === 'folder') {
        const known = hiding === undefined ? await below.lookup(source.path) : undefined;
        const opaque = source.xattrs?.[OPAQUE_XATTR] !== undefined;
        const entry = withoutMarks(source);
        if (known?.type === 'folder' && !opaque && sameFolder(entry, known)) {
          pending.set(source.path, { ...entry, mtimeNs: BigInt(known.mtimeNs) });
          continue;
        }
        yield* flush(source.path, pending);
        yield { kind: 'entry', entry };
        if (opaque && known !== undefined) yield { kind: 'opaque', path: source.path };
        if (opaque) hiding ??= source.path;
        continue;
      }
      yield* flush(source.path, pending);
      if (source.type === 'char' && source.device?.major === 0 && source.device.minor === 0)
        yield { kind: 'whiteout', path: source.path };
      else yield fileItem(source, tree, linked);
    }
  } finally {
    tree.close();
  }
}

/** The unchanged folders above a path, each of them once. */
function* flush(path: string, pending: Map<string, TreeEntry>): Generator<LayerItem> {
  for (const folder of ancestorsOf(path)) {
    const entry = pending.get(folder);
    if (entry === undefined) continue;
    pending.delete(folder);
    yield { kind: 'entry', entry };
  }
}

function fileItem(source: SourceEntry, tree: FolderTree, linked: Map<string, string>): LayerItem {
  const entry = withoutMarks(source);
  if (source.type !== 'file') return { kind: 'entry', entry };
  if (source.links > 1) {
    const inode = `${source.dev}:${source.ino}`;
    const first = linked.get(inode);
    if (first !== undefined) return { kind: 'entry', entry: { ...entry, type: 'hardlink', size: 0, link: first } };
    linked.set(inode, source.path);
  }
  return {
    kind: 'entry',
    entry,
    open: () => tree.open(source.path),
  };
}

function withoutMarks(source: SourceEntry): TreeEntry {
  const { path, type, mode, uid, gid, size, mtimeNs, link, device } = source;
  const entry: TreeEntry = { path, type, mode, uid, gid, size, mtimeNs, link, device };
  const kept = Object.entries(source.xattrs ?? {}).filter(([name]) => name !== OPAQUE_XATTR);
  if (kept.length > 0) entry.xattrs = Object.fromEntries(kept);
  return entry;
}

function sameFolder(entry: TreeEntry, known: ListedEntry): boolean {
  return (
    entry.mode === known.mode &&
    entry.uid === known.uid &&
    entry.gid === known.gid &&
    JSON.stringify(xattrTexts(entry.xattrs)) === JSON.stringify(Object.entries(known.xattrs ?? {}).sort())
  );
}

function xattrTexts(xattrs: Record<string, Buffer> | undefined): [string, string][] {
  return Object.entries(xattrs ?? {})
    .map(([name, value]): [string, string] => [name, value.toString('base64')])
    .sort();
}
