import { digestHex } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { ProjectDeps } from '../deps.ts';
import { imageAfter } from './image-after.ts';
import type { ImageFactsMemory } from './image-facts.ts';
import type { FoundImage, ScopeImage } from './local-images.ts';

/**
 * The image that a layer made: a layer lies in many images, and the newest of them counts, which a person has seen last.
 * @param hex digits that a diffID or a blob's digest begins with
 */
export async function findByLayer(
  hex: string,
  images: readonly ScopeImage[],
  scope: string,
  deps: ProjectDeps,
  facts: ImageFactsMemory,
): Promise<FoundImage | undefined> {
  let found: { image: ScopeImage; position: number } | undefined;
  const meant = new Set<string>();
  for (const image of images) {
    // what was entered by a layer is an answer to this question, and not a source of it
    if (image.kind === 'layer') continue;
    const layers = await layersOf(image, facts);
    const at = layers.findIndex((layer) => isCalled(layer, hex));
    if (at < 0) continue;
    meant.add(layers[at]?.diffID ?? '');
    if (found === undefined || image.at >= found.image.at) found = { image, position: at + 1 };
  }
  if (meant.size > 1) throw new Problem('invalid', `the layer ${hex} is ambiguous: ${meant.size} layers begin with it`);
  if (found === undefined) return undefined;
  return await imageAfter(found.image, found.position, { scope, text: hex }, deps, facts);
}

function isCalled({ diffID, blob }: Layer, hex: string): boolean {
  return digestHex(diffID).startsWith(hex) || digestHex(blob.digest).startsWith(hex);
}

/** An image that can't be read must not keep others from being found. */
async function layersOf(image: ScopeImage, facts: ImageFactsMemory): Promise<readonly Layer[]> {
  try {
    return (await facts.of(image)).layers;
  } catch (error) {
    log.warn({ image: image.id, error: messageOf(error) }, 'an image could not be read');
    return [];
  }
}
