import type { HeldImage, NameStore } from '../../stores/names/names.ts';

/**
 * An image comes into a scope, with or without names. What a name meant before stays as an image without one, as in docker:
 * all that ever came in is held until it is removed.
 * @param steps that the image was made by, for the same flush of the disk
 */
export async function takeIn(
  image: HeldImage,
  names: readonly string[],
  scope: string,
  store: Pick<NameStore, 'hold'>,
  steps: readonly HeldImage[] = [],
): Promise<void> {
  await store.hold(scope, [...steps, image], names);
}
