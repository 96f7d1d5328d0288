import type { Digest } from '../../images/digest.ts';
import { parseReference } from '../../images/reference.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { LocalImages, ScopeImage } from './local-images.ts';
import type { ShelfImage } from './shelf.ts';

/** @param all also those without a name of which others were made */
export async function listImages(images: LocalImages, scope: string, all: boolean): Promise<ShelfImage[]> {
  const known = (await images.all(scope)).filter(({ kind, names }) => kind !== 'layer' || names.length > 0);
  const children = countChildren(known);
  const shown = known.filter(({ id, names }) => all || names.length > 0 || !children.has(id));
  const read = await Promise.all(shown.map((image) => readable(images, image)));
  return read.filter((image) => image !== undefined);
}

/** So many images were made of each. */
export function countChildren(images: readonly ScopeImage[]): ReadonlyMap<Digest, number> {
  const children = new Map<Digest, number>();
  for (const { parent } of images) if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1);
  return children;
}

export async function shelfImage(images: LocalImages, image: ScopeImage): Promise<ShelfImage> {
  const { names, ...held } = image;
  const facts = await images.facts.of(image);
  const layerSizes = await images.facts.sizes(facts);
  const isTag = (name: string) => parseReference(name).tag !== undefined;
  return {
    ...held,
    ...facts,
    tags: names.filter(isTag),
    digests: names.filter((name) => !isTag(name)),
    layerSizes,
    size: layerSizes.reduce((sum, size) => sum + size, 0),
  };
}

/** One that lost its blobs must not hide the others. */
async function readable(images: LocalImages, image: ScopeImage): Promise<ShelfImage | undefined> {
  try {
    return await shelfImage(images, image);
  } catch (error) {
    log.warn({ image: image.id, error: messageOf(error) }, 'an image could not be read');
    return undefined;
  }
}
