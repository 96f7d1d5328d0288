import type { Digest } from '../../images/digest.ts';
import { fullName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { HeldImage, LocalImage, NamedImage, NameStore } from '../../stores/names/names.ts';
import type { ProjectDeps } from '../deps.ts';
import { findByLayer } from './by-layer.ts';
import { containersOf } from './containers-of.ts';
import { imageAfter } from './image-after.ts';
import type { ImageFactsMemory } from './image-facts.ts';

/** What a text means here. */
export interface FoundImage extends LocalImage {
  /** A whole reference that means it; absent where only its id does. */
  name?: string | undefined;
}

/** An image of a scope with everything that means it. */
export interface ScopeImage extends HeldImage {
  /** Whole references, sorted: with a tag, or `host/repository@digest`. */
  names: string[];
}

/** An image id, its beginning, or the beginning of a layer's digest. */
const HEX = /^(?:sha256:)?([a-f0-9]{4,64})$/;
/** So many digits of a layer's digest are asked for, because they are looked for in every image. */
const LAYER_DIGITS = 12;

/**
 * The local images of scopes: what a text means is decided here, for `docker run` and `inspect`, for FROM and for the command
 * line alike. In this order it is a name, an image id or its beginning, and the digest of a layer (of its tar or of its
 * blob), which means the image as it was after that layer. `#n` behind any of them means the image after its nth layer; and
 * `--n`, which docker's clients let through as the name that it could be: what is really called so comes first.
 */
export class LocalImages {
  readonly facts: ImageFactsMemory;
  readonly #names: NameStore;
  readonly #deps: ProjectDeps;

  constructor(deps: ProjectDeps, facts: ImageFactsMemory) {
    this.#deps = deps;
    this.#names = deps.names;
    this.facts = facts;
  }

  /** @throws Problem `invalid` for a text that can't mean an image, or that means several, and for a layer too many */
  async find(text: string, scope: string): Promise<FoundImage | undefined> {
    const [, whole, mark, position] = /^(.+)(#|--)(\d{1,6})$/.exec(text) ?? [];
    const itself = mark === '#' ? undefined : await this.#meant(text, scope);
    if (itself !== undefined || whole === undefined) return itself;
    const found = await this.#meant(whole, scope);
    if (found === undefined) return undefined;
    return await imageAfter(found, Number(position), { scope, text: whole }, this.#deps, this.facts);
  }

  async #meant(text: string, scope: string): Promise<FoundImage | undefined> {
    return (await this.#named(text, scope)) ?? (await this.#byHex(text, scope));
  }

  /** Every image of a scope: those that it holds, and those that only have a name. */
  async all(scope: string): Promise<ScopeImage[]> {
    const [held, named] = await Promise.all([this.#names.held(scope), this.#names.list(scope)]);
    const images = new Map(held.map((image): [Digest, ScopeImage] => [image.id, { ...image, names: [] }]));
    for (const { name, ...image } of named) {
      const known = images.get(image.id) ?? { ...image, kind: 'image', names: [] };
      images.set(image.id, known);
      known.names.push(name);
    }
    return [...images.values()];
  }

  /** Those that containers of the scope stand on, each with its container's id for a name. */
  async ofContainers(scope: string): Promise<NamedImage[]> {
    return await this.#names.list(containersOf(scope));
  }

  async #named(text: string, scope: string): Promise<FoundImage | undefined> {
    let name: string;
    try {
      name = fullName(text);
    } catch (error) {
      // an id of 64 digits is no reference
      if (HEX.test(text)) return undefined;
      throw error;
    }
    return await this.#names.find(scope, name);
  }

  async #byHex(text: string, scope: string): Promise<FoundImage | undefined> {
    const hex = HEX.exec(text)?.[1];
    if (hex === undefined) return undefined;
    const names = this.#names;
    const named = (await names.findById(scope, hex)).sort((a, b) => rank(a.name) - rank(b.name));
    const held = await names.heldById(scope, hex);
    const kept = named.length + held.length > 0 ? [] : await names.findById(containersOf(scope), hex);
    const images: FoundImage[] = [...named, ...held, ...kept.map(({ name: _, ...image }) => image)];
    const ids = new Set(images.map(({ id }) => id));
    if (ids.size > 1)
      throw new Problem('invalid', `the image id ${hex} is ambiguous: ${ids.size} images begin with it`);
    if (images.length > 0 || hex.length < LAYER_DIGITS) return images[0];
    return await findByLayer(hex, await this.all(scope), scope, this.#deps, this.facts);
  }
}

/** A tag says more than a digest. */
function rank(name: string): number {
  return parseReference(name).tag === undefined ? 1 : 0;
}
