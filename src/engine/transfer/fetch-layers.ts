import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { PullListener } from '../engine.ts';
import type { BlobFetcher } from './fetch.ts';

/** Brings the layers of an image here, and says of each what docker says. @throws as `BlobFetcher.ensure` */
export async function fetchLayers(
  layers: readonly Layer[],
  fetcher: BlobFetcher,
  signal: AbortSignal,
  { onLayer, onBytes }: PullListener = {},
): Promise<void> {
  const blobs = [...new Map(layers.map(({ blob }) => [blob.digest, blob])).values()];
  const missing = new Set<Digest>();
  for (const { digest } of blobs) {
    if (!(await fetcher.has(digest))) missing.add(digest);
    onLayer?.(digest, missing.has(digest) ? 'Pulling fs layer' : 'Already exists');
  }
  await fetcher.ensure(blobs, signal, (item, current, total = 0, done) => {
    const digest = item as Digest;
    onBytes?.(digest, current, total);
    if (done && missing.delete(digest)) onLayer?.(digest, 'Pull complete');
  });
  // those that somebody else brought meanwhile
  for (const digest of missing) onLayer?.(digest, 'Pull complete');
}
