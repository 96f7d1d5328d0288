import type { ImageConfig } from '../../images/config.ts';
import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import type { LocalImage } from '../../stores/names/names.ts';
import type { ResolvedImage } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';

/** Configs kept in memory; one of a big image takes some ten kilobytes. */
const KEPT = 512;

export interface ImageFacts {
  config: ImageConfig;
  layers: readonly Layer[];
}

/** What images say of themselves, each read once: a list of images asks for all of them every time. */
export class ImageFactsMemory {
  readonly #open: (image: LocalImage) => Promise<ResolvedImage>;
  readonly #trees: LayerTrees;
  readonly #kept = new LatelyUsed<Digest, ImageFacts>(KEPT);

  constructor(open: (image: LocalImage) => Promise<ResolvedImage>, trees: LayerTrees) {
    this.#open = open;
    this.#trees = trees;
  }

  /** @throws Problem `not-found` when its blobs are gone, `invalid` */
  async of(image: LocalImage): Promise<ImageFacts> {
    const kept = this.#kept.get(image.manifest.digest);
    if (kept !== undefined) return kept;
    const { config, layers } = await this.#open(image);
    const facts = { config, layers };
    this.#kept.set(image.manifest.digest, facts);
    return facts;
  }

  /** Of its files where the layer was ever written or read here, as docker counts; of the blob where it never was. */
  bytes(layer: Layer): Promise<number> {
    return this.#trees.bytes(layer);
  }

  /** Of every layer, the lowest first. */
  async sizes({ layers }: ImageFacts): Promise<number[]> {
    return await Promise.all(layers.map((layer) => this.bytes(layer)));
  }
}
