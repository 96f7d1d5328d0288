import type { Roots } from '../content/content.ts';
import type { BucketRows } from './rows.ts';

/** Objects keep their bytes. */
export function bucketRoots(rows: Pick<BucketRows, 'claimed'>): Roots {
  return { name: 'buckets', claimed: (digests) => rows.claimed(digests) };
}
