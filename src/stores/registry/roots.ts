import type { Digest } from '../../images/digest.ts';
import type { Roots } from '../content/content.ts';

/** What the rows of a registry can say about blobs; the store's adapter has it. */
export interface RegistryClaims {
  claimed(digests: Digest[]): Promise<Digest[]>;
}

/**
 * The registry's say in what may be collected: manifests, everything that they name (children and blobs of untagged ones
 * too, because a parent index or a digest in somebody's Dockerfile may stand on them), and blobs linked by a push that
 * has not brought its manifest yet.
 */
export function registryRoots(rows: RegistryClaims): Roots {
  return { name: 'registry', claimed: (digests) => rows.claimed(digests) };
}
