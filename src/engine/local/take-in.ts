import type { HeldImage, NameStore } from '../../stores/names/names.ts';

/**
 * An image comes into a scope, with or without names. What a name meant before stays as an image without one, as in docker:
 * all that ever came in is held until it is removed.
 */
export async function takeIn(
  image: HeldImage,
  names: readonly string[],
  scope: string,
  store: Pick<NameStore, 'hold' | 'set'>,
): Promise<void> {
  // each is a row of its own, and all share one flush of the disk
  await Promise.all([store.hold(scope, [image]), ...names.map((name) => store.set(scope, name, image))]);
}
