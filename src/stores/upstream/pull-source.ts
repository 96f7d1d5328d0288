import type { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import type { BlobInfo, ByteRange } from '../content/content.ts';
import type { Page, StoredManifest } from '../registry/registry.ts';

export interface PullOptions {
  /** Only what it is, not the bytes: nothing is fetched for that if the upstream can tell. */
  head?: boolean | undefined;
  /** Only what is kept here; no upstream is asked. */
  storedOnly?: boolean | undefined;
}

export interface PulledManifest {
  manifest: StoredManifest;
  /** Whether its bytes are in the content store; only a `head` gives others. */
  stored: boolean;
  /** For the `Warning` header: why this may not be what the upstream has now. */
  warnings: string[];
}

export interface PulledBlob {
  info: BlobInfo;
  /** Whether all of it is here, and not on its way. */
  stored: boolean;
  /**
   * The bytes, or a part of them: from the store, or from upstream while they are being stored. A failure on the way ends
   * the stream with an error before its last byte.
   */
  open(range?: ByteRange): Promise<Readable>;
}

export interface Listed<T> {
  entries: T[];
  warnings: string[];
}

/**
 * What can be pulled behind the key of an image (`LOCATION/PROJECT/REPOSITORY/IMAGE`), whatever the mode of its repository.
 * `standard`: what was pushed. `remote`: what is kept of its upstream, and what that has. `virtual`: what the member with the
 * highest priority has of it. Rights have been asked before.
 *
 * Every call throws Problems: `not-found` with the upstream's reason, `unavailable` when the upstream can't be asked and
 * nothing is kept, `exhausted` on a full disk.
 */
export interface PullSource {
  /** Undefined when there is none. */
  manifest(key: string, reference: string, options?: PullOptions): Promise<PulledManifest | undefined>;
  blob(key: string, digest: Digest, options?: PullOptions): Promise<PulledBlob | undefined>;
  /** Brings a blob into the content store, whole; false when there is none. */
  bring(key: string, digest: Digest, signal?: AbortSignal): Promise<boolean>;
  /** In byte order; undefined when nobody has ever heard of the name. */
  tags(key: string, page: Page): Promise<Listed<string> | undefined>;
  referrers(key: string, subject: Digest, artifactType?: string): Promise<Listed<StoredManifest>>;
}
