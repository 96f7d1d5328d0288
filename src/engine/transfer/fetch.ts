import { setMaxListeners } from 'node:events';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { cancelled } from '../../lib/cancelled.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { type BlobOrigin, LEASE_MS } from '../../stores/content/content.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Watch } from '../progress.ts';
import { SharedWork } from './shared-work.ts';

/** Blobs fetched at once: more connections to one registry gain nothing and are what rate limits count. */
const PARALLEL = 4;

type FetchDeps = Pick<ProjectDeps, 'content' | 'origins' | 'remote' | 'vouches' | 'own' | 'pullsThrough'>;

/**
 * Brings blobs here when something needs their bytes, each one once: from any registry that the project was told of. One
 * that lies here for another project alone comes again from there, or has to be said to be there by a registry that checks.
 */
export class BlobFetcher {
  readonly #deps: FetchDeps;
  readonly #room = new Semaphore(PARALLEL);
  readonly #fetching = new SharedWork<Digest, void>();
  readonly #watching = new Map<Digest, Set<Watch>>();

  constructor(deps: FetchDeps) {
    this.#deps = deps;
  }

  /**
   * Whole and verified when the promise resolves, and kept by a lease.
   * @param watch told of what has to be fetched, by digest
   * @throws Problem `unavailable` when nobody who had a blob gives it; `cancelled`
   */
  async ensure(blobs: readonly Descriptor[], signal: AbortSignal, watch?: Watch): Promise<void> {
    // held before they are looked for, so that a collection can't take one in between
    const digests = blobs.map((blob) => blob.digest);
    await this.#deps.content.hold(BLOB_HOLDER, digests, LEASE_MS);
    await this.#deps.content.had(digests); // one look for all of them
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    setMaxListeners(0, either); // every blob that is waited for listens
    const results = await Promise.allSettled(
      blobs.map(async (blob) => {
        try {
          await this.#one(blob, either, watch);
        } catch (error) {
          stop.abort();
          throw error;
        }
      }),
    );
    throwFirst(results);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#deps.content.stat(digest)) !== undefined;
  }

  async #one(blob: Descriptor, signal: AbortSignal, watch: Watch | undefined): Promise<void> {
    const { digest } = blob;
    if (await this.has(digest)) return;
    const forget = this.#watch(digest, watch);
    try {
      await this.#fetching.do(digest, signal, (shared) => this.#room.with(() => this.#fetch(blob, shared)));
    } finally {
      forget();
    }
  }

  /** Everyone who waits for a blob hears of it, whoever was the first to want it. */
  #watch(digest: Digest, watch: Watch | undefined): () => void {
    if (watch === undefined) return () => undefined;
    const all = this.#watching.get(digest) ?? new Set();
    this.#watching.set(digest, all.add(watch));
    return () => {
      all.delete(watch);
      if (all.size === 0 && this.#watching.get(digest) === all) this.#watching.delete(digest);
    };
  }

  readonly #tell: Watch = (item, current, total, done) => {
    for (const watch of this.#watching.get(item as Digest) ?? []) watch(item, current, total, done);
  };

  /** One that can't be asked vouches for nothing: its bytes may still come by a mirror. */
  async #isVouchedFor(host: string, repository: string, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const { remote, vouches } = this.#deps;
    if (vouches?.(host) !== true) return false;
    return await remote.hasBlob(host, repository, digest, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return false;
    });
  }

  /** What lies in a repository of ours is here or nowhere, unless that pulls through. */
  async #elsewhere(places: BlobOrigin[]): Promise<BlobOrigin[]> {
    const { own, pullsThrough } = this.#deps;
    const kept: BlobOrigin[] = [];
    for (const place of places)
      if (!isOwnHost(place.host, own) || (await pullsThrough?.(place.host, place.repository))) kept.push(place);
    return kept;
  }

  async #fetch(blob: Descriptor, signal: AbortSignal): Promise<void> {
    const { content, origins, remote } = this.#deps;
    if (await this.has(blob.digest)) return;
    const places = await this.#elsewhere(await origins.sources(blob.digest));
    const liesHere = await content.liesHere(blob.digest);
    let last: unknown;
    for (const { host, repository } of places) {
      try {
        // one of ours that pulls through brings it into the store, and says so
        const mayLieHere = liesHere || isOwnHost(host, this.#deps.own);
        if (mayLieHere && (await this.#isVouchedFor(host, repository, blob.digest, signal))) {
          await content.note([blob.digest]);
          return;
        }
        // the store measures what it takes
        const bytes = await remote.blob(host, repository, blob, { signal, digest: false });
        await content.ingest(watched(blob, bytes, this.#tell), { expected: blob.digest, size: blob.size, signal });
        return;
      } catch (error) {
        if (signal.aborted) throw cancelled(error);
        last = error;
      }
    }
    const tried = places.map(({ host, repository }) => `${host}/${repository}`).join(', ');
    throw new Problem(
      'unavailable',
      places.length === 0
        ? `blob ${blob.digest} is not here, and no registry is known to have it`
        : `blob ${blob.digest} can't be fetched from ${tried}: ${messageOf(last)}`,
      {
        cause: last,
        hint: places.length === 0 ? 'Pull the image again, so that its registry is known.' : undefined,
      },
    );
  }
}

/** Whose leases keep blobs that a build uses and nothing names yet. */
export const BLOB_HOLDER = 'engine';

/** The bytes of a blob, telling how far they are. */
export async function* watched(
  { digest, size }: Descriptor,
  bytes: AsyncIterable<Uint8Array>,
  watch: Watch,
): AsyncGenerator<Uint8Array> {
  let current = 0;
  watch(digest, current, size, false);
  for await (const chunk of bytes) {
    current += chunk.length;
    watch(digest, current, size, false);
    yield chunk;
  }
  watch(digest, current, size, true);
}

/** Rethrows what failed first for a reason of its own, and a cancellation only when there was nothing else. */
export function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  const failed = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
  const real = failed.find((error) => !(error instanceof Problem && error.code === 'cancelled'));
  if (real !== undefined) throw real;
  if (failed.length > 0) throw failed[0];
}
