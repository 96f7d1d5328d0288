import type { Digest } from '../../images/digest.ts';
import type { Claim, Roots } from '../content/content.ts';

/** For how long claims hold that end by themselves, in milliseconds. */
export interface KeepTimes {
  /** Of deleted images, and of those of removed repositories, since they went. */
  deletedMs: number;
  /** Of blobs that no manifest names, since they were pushed or asked for. */
  linkedMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const USUAL: KeepTimes = { deletedMs: 7 * DAY_MS, linkedMs: DAY_MS };

/** What the rows of a registry can say about blobs; the store's adapter has it. */
export interface RegistryClaims {
  claimed(digests: Digest[]): Promise<Digest[]>;
  explainClaims(digests: Digest[], keep: KeepTimes): Promise<Claim[]>;
}

/**
 * The registry's say in what may be collected: manifests, everything that they name (children and blobs of untagged ones
 * too, because a parent index or a digest in somebody's Dockerfile may stand on them), and blobs linked by a push that
 * has not brought its manifest yet.
 */
export function registryRoots(rows: RegistryClaims, keep: KeepTimes = USUAL): Roots {
  return {
    name: 'registry',
    claimed: (digests) => rows.claimed(digests),
    explain: (digests) => rows.explainClaims(digests, keep),
  };
}
