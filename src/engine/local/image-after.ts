import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { HeldImage } from '../../stores/names/names.ts';
import type { ProjectDeps } from '../deps.ts';
import { configAfter } from './config-after.ts';
import type { ImageFactsMemory } from './image-facts.ts';
import type { FoundImage } from './local-images.ts';
import { writeImage } from './write-image.ts';

/**
 * An image as it was after its nth layer: the step that made the layer, where the classic builder told of it; else an image
 * of these layers, with what history tells of the config. It has an id like any other, and stays with the scope's steps.
 * @throws Problem `invalid` when it hasn't so many layers: at `not-found`, docker would ask a registry for a name with `--9`
 */
export async function imageAfter(
  image: FoundImage,
  count: number,
  { scope, text }: { scope: string; text: string },
  deps: ProjectDeps,
  facts: ImageFactsMemory,
): Promise<FoundImage> {
  const { config, layers } = await facts.of(image);
  if (count < 1 || count > layers.length)
    throw new Problem('invalid', `${text} has no layer ${count}: it has ${layers.length}`, {
      hint: `slipway history ${text} shows them.`,
    });
  const step = await stepOf(image, count, scope, deps, facts);
  if (step !== undefined) return step;
  const cut = configAfter(config, count);
  if (cut === config) return image;
  const made = await writeImage(cut, layers.slice(0, count), deps.content, deps.clock.now());
  await deps.names.hold(scope, [{ ...made, kind: 'layer' }]);
  return made;
}

/** The oldest of the images that this one was made of, one by one, which has so many layers. */
async function stepOf(
  { id }: FoundImage,
  count: number,
  scope: string,
  deps: ProjectDeps,
  facts: ImageFactsMemory,
): Promise<FoundImage | undefined> {
  let found: FoundImage | undefined;
  for await (const ancestor of ancestorsOf(id, scope, deps)) {
    const { layers } = await facts.of(ancestor);
    if (layers.length < count) break;
    if (layers.length === count) found = ancestor;
  }
  return found;
}

/** What an image was made of, the nearest first, as far as it is known. */
export async function* ancestorsOf(
  id: Digest,
  scope: string,
  { names }: Pick<ProjectDeps, 'names'>,
): AsyncGenerator<HeldImage, void, undefined> {
  const seen = new Set<Digest>();
  let [next] = await names.heldById(scope, id);
  while (next?.parent !== undefined && !seen.has(next.parent)) {
    seen.add(next.parent);
    [next] = await names.heldById(scope, next.parent);
    if (next !== undefined) yield next;
  }
}
