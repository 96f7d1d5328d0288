import { Problem } from '../../lib/problem.ts';
import { ancestorsOf, baseOf, joinPath, LINK_LIMIT, parentOf, partsOf, type TreeEntry } from '../trees/entry.ts';
import { treeEntry } from '../trees/listing.ts';
import type { MergedTree } from '../trees/merged-tree.ts';

type Known = Pick<TreeEntry, 'type' | 'link'>;

/**
 * Where the entries of an unpacked archive land, as if they were unpacked onto the image: through the links to folders
 * that the image or the archive has on their way, so that `bin/tool` goes to /usr/bin where /bin is a link, and instead of
 * whatever stands in their own place. Folders on the way that the archive doesn't bring are written into the layer as they
 * are, because an unpacker that finds no entry for a parent makes one of its own.
 */
export class ArchivePlaces {
  readonly #tree: MergedTree;
  readonly #madeNs: bigint;
  /** What the layer has so far, by real path. */
  readonly #own = new Map<string, Known>();
  /** Folders that the layer put where the image has none, so that nothing of the image shows below them. */
  readonly #fresh = new Set<string>();

  constructor(tree: MergedTree, madeNs: bigint) {
    this.#tree = tree;
    this.#madeNs = madeNs;
  }

  /** Remembers an entry that is written to the layer as it is. */
  async note(entry: TreeEntry): Promise<void> {
    const { path, type, link } = entry;
    if (type === 'folder') {
      if ((await this.#lookup(path))?.type !== 'folder') this.#fresh.add(path);
    } else {
      this.#fresh.delete(path);
      if (this.#own.get(path)?.type === 'folder')
        for (const below of [...this.#own.keys()]) if (below.startsWith(`${path}/`)) this.#own.delete(below);
    }
    this.#own.set(path, { type, link });
  }

  /**
   * What to write for an entry of an archive: the folders above it that are not in the layer yet, then itself.
   * @param folder where the archive is unpacked
   * @throws Problem `invalid` when something on the way is no folder
   */
  async place(folder: string, entry: TreeEntry): Promise<TreeEntry[]> {
    refuseUnusable(folder, entry);
    const parent = await this.#realFolder(joinPath(folder, parentOf(entry.path)));
    const out: TreeEntry[] = [];
    // a folder of the layer has all above it in the layer
    for (const path of this.#own.has(parent) ? [] : [...ancestorsOf(parent), parent]) {
      if (path === '' || this.#own.has(path)) continue;
      const above = await this.#folderAt(path);
      await this.note(above);
      out.push(above);
    }
    const placed: TreeEntry = { ...entry, path: joinPath(parent, baseOf(entry.path)) };
    if (entry.type === 'hardlink') {
      const link = joinPath(folder, entry.link ?? '');
      placed.link = joinPath(await this.#realFolder(parentOf(link)), baseOf(link));
      this.#checkLink(entry, placed.link);
    }
    await this.note(placed);
    return [...out, placed];
  }

  /** A layer is unpacked by itself: a second name of what only the image has would be one of nothing. */
  #checkLink({ path, link }: TreeEntry, to: string): void {
    const found = this.#own.get(to)?.type;
    if (found !== undefined && found !== 'folder') return;
    const what = found === undefined ? 'which the archive does not bring before it' : 'which is a folder';
    throw new Problem('invalid', `${path}: hard link to ${link}, ${what}`, {
      hint: 'The archive is not whole, or its entries are out of order: make it anew.',
    });
  }

  async #folderAt(path: string): Promise<TreeEntry> {
    const below = this.#isHidden(path) ? undefined : await this.#tree.lookup(path);
    if (below?.type === 'folder') return treeEntry(path, below);
    return { path, type: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: this.#madeNs };
  }

  /** A folder's path with the links in it followed inside the image; what doesn't exist is kept as written. */
  async #realFolder(path: string): Promise<string> {
    const rest = path.split('/');
    let at = '';
    for (let links = 0; rest.length > 0; ) {
      const part = rest.shift() ?? '';
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = parentOf(at);
        continue;
      }
      const next = joinPath(at, part);
      const found = await this.#lookup(next);
      if (found?.type === 'symlink' && found.link !== undefined) {
        if (links++ === LINK_LIMIT) throw new Problem('invalid', `/${path}: too many levels of symbolic links`);
        if (found.link.startsWith('/')) at = '';
        rest.unshift(...found.link.split('/'));
        continue;
      }
      if (found !== undefined && found.type !== 'folder')
        throw new Problem('invalid', `cannot unpack below /${next}: not a folder`, {
          hint: `The archive has something in the folder ${path}, and the image has a ${found.type} at /${next}.`,
        });
      at = next;
      // nothing is there, and so nothing is below it
      if (found === undefined && !rest.includes('..')) return joinPath(at, partsOf(rest.join('/')).join('/'));
    }
    return at;
  }

  async #lookup(path: string): Promise<Known | undefined> {
    return this.#own.get(path) ?? (this.#isHidden(path) ? undefined : await this.#tree.lookup(path));
  }

  /** From the bottom up, because what an archive brings mostly lies in folders that it brought. */
  #isHidden(path: string): boolean {
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder))
      if (this.#fresh.has(folder)) return true;
    return false;
  }
}

/** As Linux has it, without the NUL at the end. */
const NAME_LIMIT = 255;
const PATH_LIMIT = 4095;

/** The layer could be written, but nobody could unpack it. @throws Problem `invalid` */
function refuseUnusable(folder: string, { path, type, link, xattrs }: TreeEntry): void {
  const bytes = (text: string) => Buffer.byteLength(text);
  const attributes = Object.entries(xattrs ?? {});
  const why =
    bytes(joinPath(folder, path)) > PATH_LIMIT || path.split('/').some((part) => bytes(part) > NAME_LIMIT)
      ? 'its name is too long'
      : type === 'symlink' && (link === '' || bytes(link ?? '') > PATH_LIMIT)
        ? 'its link leads nowhere: the target is empty or too long'
        : attributes.some(([name, value]) => bytes(name) > NAME_LIMIT || value.length > 1 << 16)
          ? 'it has an attribute that no file system takes'
          : undefined;
  if (why === undefined) return;
  const shown = path.length <= 120 ? path : `${path.slice(0, 80)}...`;
  throw new Problem('invalid', `can't unpack ${JSON.stringify(shown)}: ${why}`, {
    hint: 'The archive is broken, or was not made for Linux.',
  });
}
