import { ancestorsOf, cleanPath, joinPath, LINK_LIMIT, parentOf, partsOf } from './entry.ts';
import { type ListedEntry, type Listing, PLAIN_FOLDER } from './listing.ts';

/** Gives the listing of layer `i`, counted from the top; undefined below the lowest. */
export type ListingLoader = (i: number) => Promise<Listing | undefined>;

/**
 * The tree that a stack of layers shows, answered from listings: nothing is unpacked, and lower layers are read only when
 * the upper ones don't say.
 */
export class MergedTree {
  readonly #load: ListingLoader;

  constructor(load: ListingLoader) {
    this.#load = load;
  }

  static readonly empty: MergedTree = new MergedTree(async () => undefined);

  /** What lies at a path, links not followed. */
  async lookup(path: string): Promise<ListedEntry | undefined> {
    let implied: ListedEntry | undefined;
    for (let i = 0; ; i++) {
      const listing = await this.#load(i);
      if (listing === undefined) return implied;
      const entry = listing.entries.get(path);
      if (entry !== undefined && entry.implied === undefined) return this.#merge(implied, entry);
      implied ??= entry;
      if (hides(listing, path)) return implied;
    }
  }

  #merge(implied: ListedEntry | undefined, lower: ListedEntry): ListedEntry {
    // an upper layer that has something below this path made it a folder, whatever it was before
    return implied !== undefined && lower.type !== 'folder' ? implied : lower;
  }

  /**
   * Follows links as a process inside the tree would: absolute ones begin at the root, `..` never leaves it. Parts that
   * don't exist are kept as written.
   * @param last whether the last part is followed too
   */
  async resolve(path: string, last: boolean): Promise<{ path: string; entry: ListedEntry | undefined }> {
    let rest = partsOf(path);
    let at = '';
    let entry: ListedEntry | undefined = PLAIN_FOLDER;
    for (let links = 0; rest.length > 0; ) {
      const [part = '', ...tail] = rest;
      rest = tail;
      if (part === '..') {
        at = parentOf(at);
        entry = at === '' ? PLAIN_FOLDER : await this.lookup(at);
        continue;
      }
      const next = joinPath(at, part);
      entry = await this.lookup(next);
      if (entry?.type === 'symlink' && entry.link !== undefined && (last || rest.length > 0) && links < LINK_LIMIT) {
        links++;
        if (entry.link.startsWith('/')) at = '';
        rest = [...partsOf(entry.link), ...rest];
        entry = at === '' ? PLAIN_FOLDER : await this.lookup(at);
        continue;
      }
      at = next;
    }
    return { path: at, entry };
  }

  /** The kept text of a file (passwd, group), or undefined when the tree has none. */
  async text(path: string): Promise<string | undefined> {
    const { path: real } = await this.resolve(cleanPath(path), true);
    for (let i = 0; ; i++) {
      const listing = await this.#load(i);
      if (listing === undefined) return undefined;
      if (listing.entries.has(real)) return listing.texts.get(real);
      if (hides(listing, real)) return undefined;
    }
  }
}

/** Whether a layer keeps what lower layers have at a path from being seen. */
function hides(listing: Listing, path: string): boolean {
  if (listing.whiteouts.has(path) || listing.opaques.has('')) return true;
  for (const folder of ancestorsOf(path)) {
    if (listing.whiteouts.has(folder) || listing.opaques.has(folder)) return true;
    const entry = listing.entries.get(folder);
    if (entry !== undefined && entry.type !== 'folder') return true;
  }
  return false;
}
