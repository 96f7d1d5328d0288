import type { Digest } from '../../images/digest.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { ProjectDeps } from '../deps.ts';
import { listImages } from './list-images.ts';
import type { LocalImages, ScopeImage } from './local-images.ts';
import { ImageRemoval } from './remove-image.ts';
import type { PruneOptions, RemovedRow, ShelfImage } from './shelf.ts';

/** `docker image prune`: what is in use stays and is no failure. */
export async function pruneImages(
  images: LocalImages,
  deps: ProjectDeps,
  scope: string,
  { dangling, wanted = () => true, users }: PruneOptions,
): Promise<{ rows: RemovedRow[]; bytes: number; gone: ScopeImage[] }> {
  await dropEntered(images, deps, scope, users);
  const removal = await ImageRemoval.of(images, deps, scope, { users });
  const before = await layerSizes(images, scope);
  for (const image of (await listImages(images, scope, false)).filter(wanted)) {
    const names = [...image.tags, ...image.digests];
    if (names.length === 0) await unlessInUse(() => removal.remove(image.id, image));
    else if (!dangling || image.tags.length === 0)
      for (const name of names) await unlessInUse(() => removal.remove(shortName(name), image));
  }
  const after = await layerSizes(images, scope);
  let bytes = 0;
  for (const [diffID, size] of before) if (!after.has(diffID)) bytes += size;
  return { rows: removal.rows, bytes, gone: removal.gone };
}

/** Images as they were after a layer, which nobody has made and no list shows. */
async function dropEntered(
  images: LocalImages,
  { names }: ProjectDeps,
  scope: string,
  users: PruneOptions['users'],
): Promise<void> {
  const all = await images.all(scope);
  const parents = new Set(all.map(({ parent }) => parent));
  const idle = all.filter(
    ({ id, kind, names: own }) =>
      kind === 'layer' && own.length === 0 && !parents.has(id) && (users?.(id) ?? []).length === 0,
  );
  await names.letGo(
    scope,
    idle.map(({ id }) => id),
  );
}

async function layerSizes(images: LocalImages, scope: string): Promise<Map<Digest, number>> {
  const layers = (await listImages(images, scope, true)).flatMap((image: ShelfImage) => image.layers);
  const sizes = new Map<Digest, number>();
  for (const layer of layers) if (!sizes.has(layer.diffID)) sizes.set(layer.diffID, await images.facts.bytes(layer));
  return sizes;
}

async function unlessInUse(remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'conflict')) throw error;
  }
}

function shortName(name: string): string {
  return familiarName(parseReference(name));
}
