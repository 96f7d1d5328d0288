import { decodeLayer } from '../../images/decompress.ts';
import type { Layer } from '../../images/layer.ts';
import type { TarHeader } from '../../images/tar/header.ts';
import { readTar } from '../../images/tar/read.ts';
import type { TarInput } from '../../images/tar/write.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import { fromHeader, toHeader } from '../layers/tar-entries.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import { type ListedEntry, type Listing, treeEntry } from '../trees/listing.ts';
import { type FinalNode, FinalTree } from './final-tree.ts';

export interface FlattenRoom {
  content: ContentReader;
  trees: LayerTrees;
  fetcher: BlobFetcher;
}

/**
 * The root file system of an image as the entries of one tar: what each layer gives in the end, from the lowest up, then
 * the folders. Nothing is unpacked and every layer is read once; what an upper layer hides is passed over.
 *
 * Folders come last because what is put into one changes its time, and tar(1) sets the time of a folder when it meets an
 * entry that lies elsewhere (tried: with folders first most of them had the time of the unpacking). Every unpacker makes
 * the folders that it misses until then.
 * @param layers the lowest first
 * @throws Problem `invalid` when a layer isn't what its image says, or has a hard link that leads nowhere
 */
export async function* flatten(
  layers: readonly Layer[],
  { content, trees, fetcher }: FlattenRoom,
  signal: AbortSignal,
): AsyncGenerator<TarInput, void, undefined> {
  const listings: Listing[] = [];
  for (const layer of layers) listings.push(await trees.listing(layer, signal));
  const tree = new FinalTree(listings);
  for (const [i, layer] of layers.entries()) {
    const listing = listings[i];
    if (listing === undefined || !tree.gives(i)) continue;
    await fetcher.ensure([layer.blob], signal);
    const blob = await content.open(layer.blob.digest);
    yield* layerEntries(decodeLayer(blob, layer.blob.mediaType), { layer: i, listing, tree }, signal);
  }
  for (const node of tree.folders())
    yield { header: toHeader({ kind: 'entry', entry: treeEntry(node.path ?? '', node.entry) }) };
}

interface LayerPart {
  layer: number;
  listing: Listing;
  tree: FinalTree;
}

async function* layerEntries(
  tar: AsyncIterable<Uint8Array>,
  part: LayerPart,
  signal: AbortSignal,
): AsyncGenerator<TarInput, void, undefined> {
  const links = new HardLinks(part);
  for await (const { header, body } of readTar(tar)) {
    signal.throwIfAborted();
    const change = fromHeader(header);
    if (change?.kind !== 'entry' || change.entry.type === 'folder') continue;
    const { path } = change.entry;
    if (change.entry.type === 'hardlink') {
      const link = links.header(path, header);
      if (link !== undefined) yield { header: link };
      continue;
    }
    const node = lastingNode(part, path);
    // where an upper layer hides the file but not its other names, the first of those takes over its bytes
    const name = node?.entry.type === change.entry.type ? node.path : links.heir(path);
    if (name === undefined) continue;
    yield { header: { ...header, name }, body: header.type === 'file' ? body : undefined };
  }
}

/** The place of a layer's path, if the layer has the last word on it. */
function lastingNode({ tree, layer }: LayerPart, path: string): FinalNode | undefined {
  const node = tree.of(layer, path);
  return node?.path !== undefined && node.layer === layer ? node : undefined;
}

/** The hard links of one layer: which names of a file are left, and which of them is the first. */
class HardLinks {
  readonly #part: LayerPart;
  /** For a file that is hidden itself: the path of the first name that is left. */
  readonly #heirs = new Map<string, string>();

  constructor(part: LayerPart) {
    this.#part = part;
    for (const [path, entry] of part.listing.entries) {
      if (entry.type !== 'hardlink') continue;
      const file = fileOf(part.listing, path, entry);
      const node = lastingNode(part, path);
      if (node?.path === undefined || lastingNode(part, file) !== undefined || this.#heirs.has(file)) continue;
      if (part.listing.entries.has(file)) this.#heirs.set(file, node.path);
    }
  }

  heir(file: string): string | undefined {
    return this.#heirs.get(file);
  }

  /** What stands for a link in the end; undefined when it is hidden, or took over the file. */
  header(path: string, header: TarHeader): TarHeader | undefined {
    const { listing, tree, layer } = this.#part;
    const node = lastingNode(this.#part, path);
    const entry = listing.entries.get(path);
    if (node?.path === undefined || entry?.type !== 'hardlink') return undefined;
    const file = fileOf(listing, path, entry);
    const heir = this.#heirs.get(file);
    if (heir === node.path) return undefined;
    const own = lastingNode(this.#part, file)?.path ?? heir;
    const below = tree.at(file);
    const linkname = own ?? (below !== undefined && below.layer < layer ? below.path : undefined);
    if (linkname === undefined)
      throw new Problem('invalid', `${path}: hard link to ${file}, which is not in the image`);
    return { ...header, name: node.path, linkname };
  }
}

/** Where a link, or a link to a link, leads within its layer. */
function fileOf(listing: Listing, path: string, entry: ListedEntry): string {
  let at = path;
  let next: ListedEntry | undefined = entry;
  for (const seen = new Set<string>(); next?.type === 'hardlink' && next.link !== undefined; ) {
    if (seen.has(at)) throw new Problem('invalid', `${path}: hard links in a circle`);
    seen.add(at);
    at = next.link;
    next = listing.entries.get(at);
  }
  return at;
}
