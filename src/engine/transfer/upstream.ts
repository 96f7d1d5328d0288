import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import type { Reference } from '../../images/reference.ts';

export interface FetchedManifest {
  bytes: Buffer;
  mediaType: string;
  digest: Digest;
}

/** Other registries, as the engine needs them. Mirrors, credentials and retries are below this line. */
export interface Upstream {
  /** By digest if the reference has one, else by tag. @throws Problem `not-found`, `denied`, `unauthenticated`, `unavailable` */
  manifest(reference: Reference, signal: AbortSignal): Promise<FetchedManifest>;
  /** @throws Problem as `manifest` */
  blob(
    host: string,
    repository: string,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  hasBlob(host: string, repository: string, digest: Digest, signal: AbortSignal): Promise<boolean>;
  /** Whether the registry took a blob over from another of its repositories. */
  mount(host: string, repository: string, digest: Digest, from: string, signal: AbortSignal): Promise<boolean>;
  upload(
    host: string,
    repository: string,
    descriptor: Descriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<void>;
  putManifest(
    host: string,
    repository: string,
    reference: string,
    manifest: FetchedManifest,
    signal: AbortSignal,
  ): Promise<void>;
}
