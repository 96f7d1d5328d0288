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

export interface NamedImage extends LocalImage {
  /** Whole reference with tag, e.g. `docker.io/library/python:3.11`; or `host/repo@digest` for a pull by digest. */
  name: string;
}

export interface NameReader {
  find(scope: string, name: string): Promise<NamedImage | undefined>;
  /** By image id or its beginning (4 hex digits at least). */
  findById(scope: string, idPrefix: string): Promise<NamedImage[]>;
  list(scope: string): Promise<NamedImage[]>;
}

export interface NameWriter {
  set(scope: string, name: string, image: LocalImage): Promise<void>;
  remove(scope: string, name: string): Promise<boolean>;
  /** Ends a scope: all its names go. */
  drop(scope: string): Promise<void>;
}

export interface NameStore extends NameReader, NameWriter {}

/** What the owner alone needs: to end the scopes of dead builds, and to keep what names mean from collection. */
export interface NameKeeper extends NameStore {
  scopes(): Promise<string[]>;
  /** Every target and manifest that any name of any scope means, once. */
  targets(): Promise<Descriptor[]>;
}
