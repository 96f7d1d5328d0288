import type { ImageConfig } from '../../images/config.ts';
import type { Layer } from '../../images/layer.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { LocalImage } from '../../stores/names/names.ts';
import { imageBlobs, storeImage } from '../image-blobs.ts';

/**
 * Writes config and manifest of an image whose layers are there.
 * @param at milliseconds since 1970: when it came to be here
 * @returns the image, which nothing holds or names yet but a lease
 */
export async function writeImage(
  config: ImageConfig,
  layers: readonly Layer[],
  content: ContentStore,
  at: number,
): Promise<LocalImage> {
  const blobs = imageBlobs(config, layers);
  await storeImage(blobs, content);
  const { descriptor } = blobs.manifest;
  return { id: blobs.config.descriptor.digest, target: descriptor, manifest: descriptor, at };
}
