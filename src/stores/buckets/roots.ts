import type { Roots } from '../content/content.ts';
import type { BucketRows } from './rows.ts';

/** Objects keep their bytes. */
export function bucketRoots(rows: Pick<BucketRows, 'claimed' | 'holders'>): Roots {
  return {
    name: 'buckets',
    claimed: (digests) => rows.claimed(digests),
    explain: async (digests) =>
      (await rows.holders(digests)).map(({ digest, bucket, name }) => ({
        digest,
        by: `object gs://${bucket}/${name}`,
      })),
  };
}
