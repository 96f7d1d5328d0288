import { Readable } from 'node:stream';
import { Problem } from '../../lib/problem.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, isDigest } from '../digest.ts';
import { familiarName, type Reference } from '../reference.ts';
import { RegistryAccess } from './access.ts';
import { blobSize, checkManifest, hasTag, publishedDigest, type RemoteCheck } from './check.ts';
import type { RegistryHosts } from './hosts.ts';
import { blobOpener, fetchManifest, headManifest, type RemoteHead, type RemoteManifest } from './pull.ts';
import { hasBlob, mountBlob, type PushTarget, putManifest, uploadBlob } from './push.ts';
import { listReferrers } from './referrers.ts';
import { listTags } from './tags.ts';
import type { TransportOptions } from './transport.ts';
import { verifiedBlob } from './verified-blob.ts';

export interface BlobOptions extends CallOptions {
  /** False: whoever reads measures the bytes; their size is looked at alone. */
  digest?: boolean | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Other registries, over distribution-spec v1.1. `host` is the registry as a reference names it (`docker.io`); reading
 * asks its mirrors first, writing goes to the registry itself. Every call throws Problems: `not-found`, `denied`,
 * `unauthenticated`, `exhausted` (rate limit), `unavailable`, `timeout` (60 s without a byte; no limit on the whole),
 * `cancelled`, `invalid` (bytes that are not what was promised).
 */
export interface RegistryClient {
  /** What a name means, and nothing fetched: free of charge at Docker Hub. Undefined where the registry can't tell by HEAD. */
  head(reference: Reference, options?: CallOptions): Promise<RemoteHead | undefined>;
  /** The same for a copy that is kept, told apart: still there, gone, or not to be learnt by HEAD. Asks the registry itself. */
  check(reference: Reference, options?: CallOptions & { attempts?: number | undefined }): Promise<RemoteCheck>;
  /** The manifest or index that a name means; `latest` when it has neither tag nor digest. */
  resolve(reference: Reference, options?: CallOptions): Promise<RemoteManifest>;
  /** The same for a tag or digest of a repository, such as an entry of an index. */
  manifest(host: string, repository: string, tagOrDigest: string, options?: CallOptions): Promise<RemoteManifest>;
  /**
   * The bytes of a blob, checked on the way: the stream ends without an error only if size and digest are right. Broken
   * connections are resumed. It must be read or destroyed.
   */
  blob(host: string, repository: string, descriptor: Descriptor, options?: BlobOptions): Promise<Readable>;
  hasBlob(host: string, repository: string, digest: Digest, options?: CallOptions): Promise<boolean>;
  /** Bytes of a blob, by HEAD; undefined when the registry has none, or doesn't say. */
  blobSize(host: string, repository: string, digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** Whether the registry took the blob over from its repository `from`, without a byte being sent. */
  mountBlob(host: string, repository: string, digest: Digest, from: string, options?: CallOptions): Promise<boolean>;
  /** Sends a blob, whether it is there or not; `open` is called anew for each try. */
  pushBlob(
    host: string,
    repository: string,
    descriptor: Descriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    options?: CallOptions,
  ): Promise<void>;
  /**
   * Publishes a manifest under a tag or its digest; its blobs must be there. One with a subject is listed under the fallback
   * tag where the registry has no referrers API.
   */
  putManifest(
    host: string,
    repository: string,
    tagOrDigest: string,
    bytes: Uint8Array,
    mediaType: string,
    options?: CallOptions,
  ): Promise<Digest>;
  /** What the registry itself has under a tag or digest, after a push: no mirror is asked. */
  published(reference: Reference, options?: CallOptions): Promise<Digest>;
  tags(host: string, repository: string, options?: CallOptions): Promise<string[]>;
  /** Those of these tags that are there. */
  presentTags(host: string, repository: string, tags: readonly string[], options?: CallOptions): Promise<string[]>;
  /** What refers to a manifest, by the referrers API or by the fallback tag where there is none. */
  referrers(host: string, repository: string, subject: Digest, options?: CallOptions): Promise<Descriptor[]>;
  /** Ends idle connections. */
  close(): void;
}

export function createRegistryClient(hosts: RegistryHosts, transport: TransportOptions = {}): RegistryClient {
  const access = new RegistryAccess(hosts, transport);
  const { retryDelay } = transport;
  const target = (host: string, repository: string, { signal }: CallOptions): PushTarget => ({
    access,
    endpoint: access.origin(host),
    repository,
    signal,
    retryDelay,
  });
  const resolve: RegistryClient['resolve'] = (reference, { signal } = {}) =>
    access.fromAny(reference.host, (endpoint) => fetchManifest(access, endpoint, reference, signal));
  return {
    resolve,
    head: (reference, { signal } = {}) =>
      access.fromAny(reference.host, async (endpoint) => {
        const head = await headManifest(access, endpoint, reference, signal);
        if (head === undefined && endpoint.mirrorOf !== undefined)
          throw new Problem('not-found', `no digest for ${familiarName(reference)}`);
        return head;
      }),
    check: (reference, { signal, attempts } = {}) =>
      checkManifest(access, access.origin(reference.host), reference, signal, attempts),
    manifest: (host, repository, tagOrDigest, options) =>
      resolve(
        { host, repository, ...(isDigest(tagOrDigest) ? { digest: tagOrDigest } : { tag: tagOrDigest }) },
        options,
      ),
    async blob(host, repository, descriptor, { signal, digest } = {}) {
      const openAt = blobOpener(access, host, repository, descriptor, signal);
      const first = await openAt(0);
      const stream = Readable.from(verifiedBlob(descriptor, first, openAt, signal, { retryDelay, digest }), {
        objectMode: false,
      });
      // A stream that is destroyed before its first byte was read never starts the generator that would end this.
      return stream.once('close', () => first.destroy());
    },
    hasBlob: (host, repository, digest, options = {}) => hasBlob(target(host, repository, options), digest),
    blobSize: (host, repository, digest, { signal } = {}) =>
      blobSize(access, access.origin(host), repository, digest, signal),
    mountBlob: (host, repository, digest, from, options = {}) =>
      mountBlob(target(host, repository, options), digest, from),
    pushBlob: (host, repository, descriptor, open, options = {}) =>
      uploadBlob(target(host, repository, options), descriptor, open),
    putManifest: (host, repository, tagOrDigest, bytes, mediaType, options = {}) =>
      putManifest(target(host, repository, options), tagOrDigest, bytes, mediaType),
    tags: (host, repository, { signal } = {}) =>
      access.fromAny(host, (endpoint) => listTags(access, endpoint, repository, signal)),
    published: (reference, { signal } = {}) =>
      publishedDigest(access, access.origin(reference.host), reference, signal),
    presentTags: async (host, repository, tags, { signal } = {}) => {
      const there = tags.map((tag) =>
        access.fromFirst(host, async (endpoint, attempts) =>
          (await hasTag(access, endpoint, { host, repository, tag }, signal, attempts)) ? tag : undefined,
        ),
      );
      return (await Promise.all(there)).filter((tag) => tag !== undefined);
    },
    referrers: async (host, repository, subject, { signal } = {}) =>
      (await access.fromFirst(host, async (endpoint, attempts) => {
        const found = await listReferrers({ access, endpoint, repository, subject, signal, attempts });
        return found.length === 0 ? undefined : found;
      })) ?? [],
    close: () => access.close(),
  };
}
