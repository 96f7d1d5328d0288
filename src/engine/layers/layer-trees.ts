import { decodeLayerFile } from '../../images/decompress.ts';
import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { readTar } from '../../images/tar/read.ts';
import type { Watch } from '../progress.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import type { ProjectContent } from '../transfer/project-content.ts';
import { SharedWork } from '../transfer/shared-work.ts';
import { KEPT_TEXT_LIMIT, KEPT_TEXTS, Listing, type ListingStore } from '../trees/listing.ts';
import { MergedTree } from '../trees/merged-tree.ts';
import { PassingBytes } from './passing-bytes.ts';
import { fromHeader } from './tar-entries.ts';

/**
 * The tree that an image's layers show, by their listings; a layer that has none yet is scanned once, and never unpacked.
 * Listings are kept by diffID, which any config may claim, so one is given only for a layer that is proven to be its tar.
 */
export class LayerTrees {
  readonly #content: ProjectContent;
  readonly #fetcher: BlobFetcher;
  readonly #listings: ListingStore;
  readonly #scanning = new SharedWork<string, Listing>();
  readonly #proving = new SharedWork<string, void>();

  constructor(content: ProjectContent, fetcher: BlobFetcher, listings: ListingStore) {
    this.#content = content;
    this.#fetcher = fetcher;
    this.#listings = listings;
  }

  /**
   * @param layers the lowest first, as in a manifest
   * @param watch told of the layers that have to be fetched
   */
  tree(layers: readonly Layer[], signal: AbortSignal, watch?: Watch): MergedTree {
    let looked: Promise<unknown> | undefined;
    return new MergedTree(async (i) => {
      const layer = layers[layers.length - 1 - i];
      if (layer === undefined) return undefined;
      looked ??= this.#content.provenLayers(layers); // one look for all of them
      await looked;
      if ((await this.known(layer.diffID)) === undefined)
        await this.#scanFrom(layers.length - i, layers, signal, watch);
      return await this.listing(layer, signal, watch);
    });
  }

  /** Whoever asks for a layer's listing is likely to ask for those below it, too: they are made side by side. */
  async #scanFrom(end: number, layers: readonly Layer[], signal: AbortSignal, watch?: Watch): Promise<void> {
    const batch = upTo(BATCH_BYTES, layers.slice(0, end).reverse());
    const [asked] = await Promise.allSettled(batch.map((layer) => this.listing(layer, signal, watch)));
    if (asked?.status === 'rejected') throw asked.reason;
  }

  /** The listing, if the layer was written, unpacked or scanned here before. */
  async known(diffID: Digest): Promise<Listing | undefined> {
    return await this.#listings.find(diffID);
  }

  /** Bytes of the layer's files where it was written, unpacked or scanned here before; else of its blob. */
  async bytes({ diffID, blob }: Layer): Promise<number> {
    return (await this.#listings.bytes(diffID)) ?? blob.size;
  }

  /** @throws Problem `invalid` when the layer isn't what the config says, `unavailable` when it can't be fetched */
  async listing(layer: Layer, signal: AbortSignal, watch?: Watch): Promise<Listing> {
    const known = await this.#listings.find(layer.diffID);
    if (known !== undefined) {
      await this.prove(layer, signal, watch);
      return known;
    }
    return await this.#scanning.do(workOn(layer), signal, async (shared) => {
      await this.#fetcher.ensure([layer.blob], shared, watch);
      const listing = await scan(await this.#content.path(layer.blob.digest), layer, shared);
      await this.#listings.save(layer.diffID, listing);
      await this.#content.noteProven(layer);
      return listing;
    });
  }

  /** Those whose trees may be given without a look at their bytes. */
  proven(layers: readonly Layer[]): Promise<ReadonlySet<Layer>> {
    return this.#content.provenLayers(layers);
  }

  /**
   * Has the bytes of a layer come here, and reads them unless that was done before.
   * @throws Problem `invalid` when the layer isn't what the config says, `unavailable` when it can't be fetched
   */
  async prove(layer: Layer, signal: AbortSignal, watch?: Watch): Promise<void> {
    if ((await this.proven([layer])).has(layer)) return;
    await this.#proving.do(workOn(layer), signal, async (shared) => {
      await this.#fetcher.ensure([layer.blob], shared, watch);
      if ((await this.proven([layer])).has(layer)) return;
      const { digest, mediaType } = layer.blob;
      for await (const _ of decodeLayerFile(await this.#content.path(digest), mediaType, { diffID: layer.diffID }))
        shared.throwIfAborted();
      await this.#content.noteProven(layer);
    });
  }

  /** Notes the listing of a layer that was just written or unpacked, and with that read to its end. */
  async note(layer: Layer, listing: Listing): Promise<void> {
    await this.#listings.save(layer.diffID, listing);
    await this.#content.noteProven(layer);
  }
}

function workOn({ blob, diffID }: Layer): string {
  return `${blob.digest} ${diffID}`;
}

/** Compressed bytes of layers that are read together, so that little is in vain when an upper layer says all. */
const BATCH_BYTES = 128 << 20;

/** As many from the first on as have so many bytes together, and one at least. */
function upTo(bytes: number, layers: readonly Layer[]): readonly Layer[] {
  let sum = 0;
  const end = layers.findIndex(({ blob }, i) => {
    sum += blob.size;
    return i > 0 && sum > bytes;
  });
  return end < 0 ? layers : layers.slice(0, end);
}

/** Listings are shared by all images with that diffID, so the tar has to prove that it is the one. */
async function scan(file: string, layer: Layer, signal: AbortSignal): Promise<Listing> {
  const listing = new Listing();
  const tar = decodeLayerFile(file, layer.blob.mediaType, { diffID: layer.diffID });
  for await (const { header, body } of readTar(tar)) {
    signal.throwIfAborted();
    const change = fromHeader(header);
    if (change === undefined) continue;
    if (change.kind !== 'entry' || change.entry.type !== 'file') {
      listing.add(change);
      continue;
    }
    const { path } = change.entry;
    const passing = new PassingBytes(body, wantsText(path, header.size));
    for await (const _ of passing);
    listing.add({ ...change, digest: passing.finish() });
    if (passing.text !== undefined) listing.texts.set(path, passing.text);
  }
  return listing;
}

export function wantsText(path: string, size: number): boolean {
  return KEPT_TEXTS.includes(path) && size <= KEPT_TEXT_LIMIT;
}
