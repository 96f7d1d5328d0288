import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';

/**
 * Local image names, as `docker tag` makes them. Every build has a scope of its own (`build:<id>`), the person at the
 * keyboard has `owner`; two builds that tag `api:latest` at the same time don't meet. A scope ends with its build.
 */
export interface LocalImage {
  /** The image id that docker shows: digest of the config. */
  id: Digest;
  /** The manifest, or the index that a FROM-only build kept whole; its bytes lie in the content store. */
  target: Descriptor;
  /** The manifest of this machine's platform (equals `target` unless that is an index). */
  manifest: Descriptor;
  /** Milliseconds since 1970: when it was named or pulled. */
  at: number;
}

/**
 * An image that a scope has, whatever means it. It stays when its last name goes, as in docker: `<none>` in `docker images`,
 * until somebody removes it.
 * - `image`: somebody asked for it: built, pulled, loaded, committed
 * - `step`: what an instruction of a classic build made, which the build told by its id
 * - `layer`: what an image was after one of its layers, because somebody entered it there; no list shows it
 */
export interface HeldImage extends LocalImage {
  kind: 'image' | 'step' | 'layer';
  /** The image that one instruction, or a commit, made this one of. */
  parent?: Digest | undefined;
}

/**
 * So many images that nobody asked for (steps, layers) a scope keeps, those of the last builds. Each holds two small blobs,
 * and its layers from collection.
 */
export const STEPS_KEPT = 1000;

export interface NamedImage extends LocalImage {
  /** Whole reference with tag, e.g. `docker.io/library/python:3.11`; or `host/repo@digest` for a pull by digest. */
  name: string;
}

export interface NameReader {
  find(scope: string, name: string): Promise<NamedImage | undefined>;
  /** By image id or its beginning (4 hex digits at least). */
  findById(scope: string, idPrefix: string): Promise<NamedImage[]>;
  list(scope: string): Promise<NamedImage[]>;
  /** The images that a scope has, with and without names, in the order in which they came. */
  held(scope: string): Promise<HeldImage[]>;
  /** The ids of `held`, for whoever only wants to know one that it has from others. */
  heldIds(scope: string): Promise<Digest[]>;
  /** Of these the one, or those, whose id begins so (4 hex digits at least). */
  heldById(scope: string, idPrefix: string): Promise<HeldImage[]>;
}

export interface NameWriter {
  set(scope: string, name: string, image: LocalImage): Promise<void>;
  remove(scope: string, name: string): Promise<boolean>;
  /**
   * Takes images in, or their dates anew. What an image is never becomes less: a step that somebody builds is an image from
   * then on, and a parent that was known stays. Of steps and layers the newest `STEPS_KEPT` stay.
   * @param named whole references that mean the last of these images from then on, or nothing of it happens
   */
  hold(scope: string, images: readonly HeldImage[], named?: readonly string[]): Promise<void>;
  /** The names of an image are not looked at. */
  letGo(scope: string, ids: readonly Digest[]): Promise<void>;
  /** Ends a scope: all its names and images go, and those of scopes below it (`SCOPE/...`). */
  drop(scope: string): Promise<void>;
}

export interface NameStore extends NameReader, NameWriter {}

/** What the owner alone needs: to end the scopes of dead builds, and to keep what names mean from collection. */
export interface NameKeeper extends NameStore {
  scopes(): Promise<string[]>;
  /** Every target and manifest that any scope has or that any of its names means, once. */
  targets(): Promise<Descriptor[]>;
}
