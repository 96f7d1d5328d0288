import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withReadOnlyView } from '../../containers/sandbox/overlay.ts';
import { decodeLayerFile } from '../../images/decompress.ts';
import type { Layer } from '../../images/layer.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { Watch } from '../progress.ts';
import { type BlobFetcher, throwFirst } from '../transfer/fetch.ts';
import type { ProjectContent } from '../transfer/project-content.ts';
import { chainIDs, type SnapshotStore } from './snapshot-store.ts';
import { unpackLayer, unpackLayerFile } from './unpack.ts';

/** A stack of unpacked layers; its trees stay until it is released. */
export interface TreeStack {
  /** The topmost first, as overlayfs names them. */
  lowers: string[];
  release(): Promise<void>;
}

/** Unpacks layers when something has to see their files, and shows them as one tree. */
export class TreeMounts {
  readonly store: SnapshotStore;
  readonly #content: ProjectContent;
  readonly #fetcher: BlobFetcher;
  readonly #trees: LayerTrees;

  constructor(store: SnapshotStore, content: ProjectContent, fetcher: BlobFetcher, trees: LayerTrees) {
    this.store = store;
    this.#content = content;
    this.#fetcher = fetcher;
    this.#trees = trees;
  }

  /**
   * Fetches and unpacks what isn't there; layers side by side, because each has a folder of its own.
   * @param layers the lowest first
   * @param watch told of what has to be fetched and unpacked
   */
  async stack(layers: readonly Layer[], signal: AbortSignal, watch?: Watch): Promise<TreeStack> {
    const ids = chainIDs(layers.map((layer) => layer.diffID));
    const release = await this.store.lease(ids);
    try {
      const proven = await this.#trees.proven(layers);
      const results = await Promise.allSettled(
        layers.map(async (layer, i) => {
          const id = ids[i] ?? layer.diffID;
          await this.store.make(id, (folder) => this.#unpack(layer, layers.slice(0, i), folder, signal, watch));
          // a tree that somebody else's layer made is given to those only who have had the bytes
          if (!proven.has(layer)) await this.#trees.prove(layer, signal, watch);
        }),
      );
      throwFirst(results);
      const lowers = ids.map((id) => this.store.path(id)).reverse();
      if (lowers.length === 0) lowers.push(this.store.empty());
      return { lowers, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #unpack(
    layer: Layer,
    lower: readonly Layer[],
    folder: string,
    signal: AbortSignal,
    watch: Watch | undefined,
  ): Promise<void> {
    await this.#fetcher.ensure([layer.blob], signal, watch);
    const unpacking = `extracting ${layer.blob.digest}`;
    watch?.(unpacking, 0, undefined, false);
    const file = await this.#content.path(layer.blob.digest);
    // a plain tar's digest is the diffID, and the store has measured it; the digests of files are known with the listing
    const diffID = layer.blob.digest === layer.diffID ? undefined : layer.diffID;
    const known = await this.#trees.known(layer.diffID);
    const below = this.#trees.tree(lower, signal);
    const options = { digests: known === undefined };
    const listing =
      diffID === undefined
        ? await unpackLayerFile(file, folder, below, signal, options)
        : await unpackLayer(decodeLayerFile(file, layer.blob.mediaType, { diffID }), folder, below, signal, options);
    if (known === undefined) await this.#trees.note(layer, listing);
    else await this.#content.noteProven(layer);
    watch?.(unpacking, 0, undefined, true);
  }

  /** Shows the merged tree of layers, read-only, for the time of `use`. */
  async view<T>(
    layers: readonly Layer[],
    signal: AbortSignal,
    use: (path: string) => Promise<T>,
    watch?: Watch,
  ): Promise<T> {
    // a stage of settings alone: overlayfs takes no folder twice
    if (layers.length === 0) return await use(this.store.empty());
    const stack = await this.stack(layers, signal, watch);
    try {
      const active = await this.store.prepare();
      try {
        const target = join(active.folder, 'm');
        await mkdir(target);
        return await withReadOnlyView(target, { lowers: stack.lowers, upper: this.store.empty() }, use);
      } finally {
        await active.discard();
      }
    } finally {
      await stack.release();
    }
  }
}
