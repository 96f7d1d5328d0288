import type { CopyOperation } from '../../dockerfile/program.ts';
import { Problem } from '../../lib/problem.ts';
import type { Selected } from '../context/select.ts';
import type { SourceEntry } from '../context/source-tree.ts';
import { ancestorsOf, baseOf, cleanPath, joinPath, parentOf, type TreeEntry } from '../trees/entry.ts';
import { type ListedEntry, treeEntry } from '../trees/listing.ts';
import type { MergedTree } from '../trees/merged-tree.ts';
import type { ModeChange } from './file-mode.ts';

/** One entry of the layer to write, and where its bytes are. */
export interface PlannedEntry {
  entry: TreeEntry;
  source?: SourceEntry | undefined;
  text?: string | undefined;
  /** The entry comes from the source's archive: its content is unpacked below this folder. */
  archive?: SourceEntry | undefined;
}

export interface CopyPlanInput {
  operation: CopyOperation;
  selected: readonly Selected[];
  /** Of the selected: those that ADD unpacks. */
  archives: ReadonlySet<SourceEntry>;
  owner: { uid: number; gid: number } | undefined;
  mode: ModeChange | undefined;
  /** Date of folders and files that the build makes by itself: the base image's, so that no layer depends on the hour. */
  madeNs: bigint;
  /** Date of what is copied, where its own doesn't count. */
  sourceNs?: bigint | undefined;
}

/**
 * Where everything lands: docker's rules for the destination of COPY and ADD, against the tree below.
 *
 * A destination is a folder when it is written with a slash, exists as one, or a folder's content is copied to it; else it
 * is the file's new name. Links on the way to the destination are followed inside the tree, and so is a link that stands
 * there itself; a link that meets a file copied into its folder is replaced. Folders that are missing are made 0755, owned
 * as --chown says; those that exist keep their metadata and are written into the layer with it, because an unpacker that
 * finds no entry for a parent makes one of its own (and /tmp would lose its 1777). A copied folder that meets a link to a
 * folder is written through it, so that `COPY rootfs/ /` keeps a base's `/lib -> usr/lib`.
 * @throws Problem `invalid` where docker refuses
 */
export async function planCopy(input: CopyPlanInput, tree: MergedTree): Promise<PlannedEntry[]> {
  const { operation, selected } = input;
  const destination = cleanPath(operation.destination);
  await refuseOneNameForSeveral(input, destination, tree);
  const layer = new PlannedLayer(input, tree);
  for (const { name, content } of operation.inline) {
    const target = await layer.fileTarget(destination, operation.intoFolder, name);
    layer.file(target, {
      entry: layer.made(target, 'file', 0o644, Buffer.byteLength(content)),
      text: content,
    });
  }
  for (const item of selected) await placeItem(layer, item, destination, input);
  return layer.entries;
}

/** A pattern that matches several files needs a folder to put them in; BuildKit writes one over the other. */
async function refuseOneNameForSeveral(
  { operation, selected, archives }: CopyPlanInput,
  destination: string,
  tree: MergedTree,
): Promise<void> {
  if (operation.intoFolder || operation.parents) return;
  const files = selected.filter(({ entry }) => entry.type !== 'folder' && !archives.has(entry));
  if (files.length + operation.inline.length < 2) return;
  if ((await tree.resolve(destination, true)).entry?.type === 'folder') return;
  throw new Problem(
    'invalid',
    `When using ${operation.kind.toUpperCase()} with more than one source file, the destination must be a directory and end with a /`,
    { place: operation.place },
  );
}

async function placeItem(
  layer: PlannedLayer,
  item: Selected,
  destination: string,
  { operation, archives }: CopyPlanInput,
): Promise<void> {
  const { entry } = item;
  if (entry.type === 'folder') {
    await layer.content(item, await layer.keptFolders(destination, item));
    return;
  }
  if (archives.has(entry)) {
    layer.archive(await layer.folderTarget(destination), entry);
    return;
  }
  const folder = operation.parents ? await layer.keptFolders(destination, item) : destination;
  const target = await layer.fileTarget(folder, operation.intoFolder || operation.parents, item.name);
  layer.single(target, entry);
}

class PlannedLayer {
  readonly entries: PlannedEntry[] = [];
  readonly #input: CopyPlanInput;
  readonly #tree: MergedTree;
  /** Folders of the layer that have an entry. */
  readonly #folders = new Set<string>();
  readonly #files = new Map<string, number>();
  /** Within one source: `dev:ino` of files with several names -> where the first of them went. */
  readonly #linked = new Map<string, string>();

  constructor(input: CopyPlanInput, tree: MergedTree) {
    this.#input = input;
    this.#tree = tree;
  }

  async fileTarget(destination: string, intoFolder: boolean, name: string): Promise<string> {
    const found = await this.#tree.resolve(destination, true);
    if (intoFolder || found.entry?.type === 'folder' || this.#folders.has(found.path)) {
      await this.#folder(found.path, found.entry);
      return joinPath(found.path, name);
    }
    const folder = parentOf(found.path);
    await this.#folder(folder, await this.#tree.lookup(folder));
    return found.path;
  }

  async folderTarget(destination: string): Promise<string> {
    const found = await this.#tree.resolve(destination, true);
    await this.#folder(found.path, found.entry);
    return found.path;
  }

  /**
   * The folders that --parents keeps below the destination. Those that are new are as in the source; one that exists takes
   * over the source's mode and stays its owner's, as BuildKit has it.
   */
  async keptFolders(destination: string, { folders }: Selected): Promise<string> {
    let at = await this.folderTarget(destination);
    for (const { name, entry } of folders) {
      const found = await this.#tree.resolve(joinPath(at, name), true);
      at = found.path;
      if (this.#folders.has(at)) continue;
      const below = found.entry;
      if (below !== undefined && below.type !== 'folder') await this.#folder(at, below);
      await this.#folder(parentOf(at), await this.#tree.lookup(parentOf(at)));
      this.#folders.add(at);
      const made = this.copied(entry, at);
      const kept = below === undefined ? undefined : treeEntry(at, below);
      this.entries.push(kept === undefined ? made : { entry: { ...kept, mode: made.entry.mode } });
    }
    return at;
  }

  /**
   * Entries for a folder and all above it.
   * @throws Problem `invalid` when the image has something else in the place of one of them
   */
  async #folder(path: string, known: ListedEntry | undefined): Promise<void> {
    for (const folder of [...ancestorsOf(path), path]) {
      if (folder === '' || this.#folders.has(folder)) continue;
      const below = folder === path ? known : await this.#tree.lookup(folder);
      if (below !== undefined && below.type !== 'folder')
        throw new Problem('invalid', `cannot copy to non-directory: /${folder}`, {
          place: this.#input.operation.place,
          hint: `The image has a ${below.type} at /${folder}, where this copy needs a folder.`,
        });
      this.#folders.add(folder);
      this.entries.push({
        entry: below?.type === 'folder' ? treeEntry(folder, below) : this.made(folder, 'folder', 0o755, 0),
      });
    }
  }

  /** What a copied folder holds; folders in it carry the source's metadata, also where the tree has them already. */
  async content(item: Selected, target: string): Promise<void> {
    const prefix = item.entry.path === '' ? 0 : item.entry.path.length + 1;
    this.#linked.clear();
    const moved = new Map<string, string>([['', target]]);
    const fresh = new Set<string>();
    const targetExists = target === '' || (await this.#tree.lookup(target)) !== undefined;
    if (!targetExists) fresh.add('');
    for (const source of item.content) {
      const relative = source.path.slice(prefix);
      const parent = parentOf(relative);
      const at = joinPath(moved.get(parent) ?? joinPath(target, parent), baseOf(relative));
      if (source.type !== 'folder') {
        this.file(at, this.copied(source, at));
        continue;
      }
      const isFresh = fresh.has(parent);
      const below = isFresh ? undefined : await this.#tree.resolve(at, true);
      const real = below?.entry?.type === 'folder' ? below.path : at;
      moved.set(relative, real);
      if (isFresh || below?.entry === undefined) fresh.add(relative);
      if (real !== at) {
        await this.#folder(real, below?.entry);
        continue;
      }
      if (this.#folders.has(at)) continue;
      this.#folders.add(at);
      this.entries.push(this.copied(source, at));
    }
  }

  /** A later source of the same name replaces an earlier one. */
  file(target: string, planned: PlannedEntry): void {
    if (target === '')
      throw new Problem('invalid', 'cannot copy a file to /: the destination is a folder', {
        place: this.#input.operation.place,
      });
    const earlier = this.#files.get(target);
    if (earlier !== undefined) this.entries[earlier] = planned;
    else this.#files.set(target, this.entries.push(planned) - 1);
  }

  /** A source that is a file by itself: what other sources of the instruction copy is no second name of it. */
  single(target: string, source: SourceEntry): void {
    this.#linked.clear();
    this.file(target, this.copied(source, target));
  }

  archive(target: string, source: SourceEntry): void {
    this.entries.push({ entry: this.made(target, 'folder', 0o755, 0), archive: source });
  }

  copied(source: SourceEntry, target: string): PlannedEntry {
    const { owner, mode } = this.#input;
    const entry: TreeEntry = {
      path: target,
      type: source.type,
      mode: mode === undefined || source.type === 'symlink' ? source.mode : mode(source.mode, source.type === 'folder'),
      uid: owner?.uid ?? source.uid,
      gid: owner?.gid ?? source.gid,
      size: source.size,
      mtimeNs: this.#input.sourceNs ?? source.mtimeNs,
      link: source.link,
      device: source.device,
      xattrs: source.xattrs,
    };
    if (source.type !== 'file') return { entry };
    if (source.links > 1) {
      const inode = `${source.dev}:${source.ino}`;
      const first = this.#linked.get(inode);
      if (first !== undefined && first !== target)
        return { entry: { ...entry, type: 'hardlink', size: 0, link: first } };
      this.#linked.set(inode, target);
    }
    return { entry, source };
  }

  made(path: string, type: 'file' | 'folder', mode: number, size: number): TreeEntry {
    const { owner, mode: asked, madeNs } = this.#input;
    return {
      path,
      type,
      mode: type === 'file' && asked !== undefined ? asked(mode, false) : mode,
      uid: owner?.uid ?? 0,
      gid: owner?.gid ?? 0,
      size,
      mtimeNs: madeNs,
    };
  }
}
