import type { Digest } from '../../images/digest.ts';
import type { RateLimit } from '../../images/remote/rate-limit.ts';
import type { UpstreamSightings } from './sightings.ts';

/** What is left of the pulls that a registry grants to this machine, by its last answer. */
export interface UpstreamQuota extends RateLimit {
  host: string;
  /** The account that pulled; empty for nobody's. */
  username: string;
  /** Milliseconds since 1970. */
  seenAt: number;
}

export interface UpstreamQuotas {
  noteQuota(quota: Omit<UpstreamQuota, 'seenAt'>): Promise<void>;
  quotas(): Promise<UpstreamQuota[]>;
}

/** When somebody last asked for a kept manifest. Milliseconds since 1970. */
export interface KeptPull {
  digest: Digest;
  lastPulled: number;
  /** The last time that it was asked for by its digest: somebody has written that down, in a Dockerfile or a manifest. */
  pinnedAt?: number | undefined;
}

/**
 * The own clock of what remote repositories keep. The date of a push says nothing there; a digest that somebody pulls has to
 * stay, whether or not a tag is on it.
 */
export interface KeptPulls {
  notePull(repository: string, digest: Digest, byDigest: boolean): Promise<void>;
  /** Of these manifests of a repository (its key). */
  pulls(repository: string, digests: readonly Digest[]): Promise<KeptPull[]>;
  /** Forgets dates of manifests that were last pulled before then; milliseconds since 1970. */
  dropPulls(before: number): Promise<number>;
}

export interface UpstreamRows extends UpstreamSightings, UpstreamQuotas, KeptPulls {}
