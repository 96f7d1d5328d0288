import { Problem } from '../../lib/problem.ts';
import { LINK_LIMIT, partsOf } from '../trees/entry.ts';
import { type ListedEntry, type Listing, PLAIN_FOLDER } from '../trees/listing.ts';

/** A place in the tree that all layers together show. */
export interface FinalNode {
  entry: ListedEntry;
  /** The layer, counted from the lowest, whose tar describes it; -1 for a folder that none does. */
  layer: number;
  children: Map<string, FinalNode>;
  /** Where it lies in the end; absent when an upper layer took it away. */
  path?: string | undefined;
}

/**
 * Which layer each path of an image comes from in the end: from the listings alone, before a byte is read, so that the tars
 * can then be passed on one after the other with all that is hidden left out.
 */
export class FinalTree {
  readonly #root: FinalNode = { entry: PLAIN_FOLDER, layer: -1, children: new Map() };
  readonly #layers: Map<string, FinalNode>[] = [];

  /** @param listings the lowest first @throws Problem `invalid` when links lead in a circle */
  constructor(listings: readonly Listing[]) {
    for (const listing of listings) this.#add(listing);
    place(this.#root, '');
  }

  /** The place of a path of a layer's tar, whether or not the layer has the last word on it. */
  of(layer: number, path: string): FinalNode | undefined {
    return this.#layers[layer]?.get(path);
  }

  /** Folders, each before those in it, names in order. */
  *folders(): Generator<FinalNode> {
    const open = [this.#root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node !== this.#root) yield node;
      const below = [...node.children].filter(([, child]) => child.entry.type === 'folder');
      below.sort(([a], [b]) => (a < b ? 1 : -1));
      open.push(...below.map(([, child]) => child));
    }
  }

  /** Whether a layer has anything but folders to give. */
  gives(layer: number): boolean {
    for (const node of this.#layers[layer]?.values() ?? [])
      if (node.path !== undefined && node.layer === layer && node.entry.type !== 'folder') return true;
    return false;
  }

  at(path: string): FinalNode | undefined {
    let node: FinalNode | undefined = this.#root;
    for (const part of partsOf(path)) node = node?.children.get(part);
    return node;
  }

  #add(listing: Listing): void {
    const layer = this.#layers.length;
    // both say something of the layers below, wherever they stand in the tar
    for (const path of listing.whiteouts) this.#remove(path);
    for (const path of listing.opaques) this.at(path)?.children.clear();
    const own = new Map<string, FinalNode>();
    this.#layers.push(own);
    for (const [path, entry] of listing.entries) own.set(path, this.#put(path, entry, layer));
  }

  #remove(path: string): void {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name !== undefined) this.at(parts.join('/'))?.children.delete(name);
  }

  #put(path: string, entry: ListedEntry, layer: number): FinalNode {
    const parts = partsOf(path);
    const name = parts.pop() ?? '';
    const parent = this.#folder(this.#root, parts, layer, { followed: 0 });
    const known = parent.children.get(name);
    const implied = entry.implied === true;
    if (known !== undefined && entry.type === 'folder' && known.entry.type === 'folder') {
      if (!implied) Object.assign(known, { entry, layer });
      return known;
    }
    const node: FinalNode = { entry, layer: implied ? -1 : layer, children: new Map() };
    parent.children.set(name, node);
    return node;
  }

  /** Goes down, making what is missing. A link of the same layer is followed as an unpacker would; one from below is replaced. */
  #folder(from: FinalNode, parts: readonly string[], layer: number, links: { followed: number }): FinalNode {
    let at = from;
    const above: FinalNode[] = [];
    for (const part of parts) {
      if (part === '..') {
        at = above.pop() ?? this.#root;
        continue;
      }
      let next = at.children.get(part);
      if (next?.entry.type === 'symlink' && next.layer === layer && next.entry.link !== undefined) {
        // counted over the whole path: links that each name two others would be followed for ever
        if (links.followed++ === LINK_LIMIT) throw new Problem('invalid', `${part}: too many levels of symbolic links`);
        const { link } = next.entry;
        next = this.#folder(link.startsWith('/') ? this.#root : at, partsOf(link), layer, links);
      }
      if (next?.entry.type !== 'folder') {
        next = { entry: PLAIN_FOLDER, layer: -1, children: new Map() };
        at.children.set(part, next);
      }
      above.push(at);
      at = next;
    }
    return at;
  }
}

function place(root: FinalNode, path: string): void {
  const open: [FinalNode, string][] = [[root, path]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, at] = next;
    node.path = at;
    for (const [name, child] of node.children) open.push([child, at === '' ? name : `${at}/${name}`]);
  }
}
