import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { parseReference } from '../../images/reference.ts';
import type { ProjectDeps } from '../deps.ts';
import { ancestorsOf } from './image-after.ts';
import type { FoundImage, LocalImages } from './local-images.ts';
import type { HistoryRow } from './shelf.ts';

/**
 * How an image came about, newest first. Each image that it was made of is one entry's, which is how docker's classic builder
 * makes them; entries below the last one that is known have no id.
 */
export async function imageHistory(
  image: FoundImage,
  scope: string,
  images: LocalImages,
  deps: ProjectDeps,
): Promise<HistoryRow[]> {
  const { config, layers } = await images.facts.of(image);
  const ids: Digest[] = [image.id];
  for await (const { id } of ancestorsOf(image.id, scope, deps)) ids.push(id);
  const left = [...layers];
  const entries = (config.history ?? []).map((entry) => ({
    entry,
    layer: entry.empty_layer === true ? undefined : left.shift(),
  }));
  // of an image that was flattened history tells less than it has
  for (const layer of left) entries.push({ entry: {}, layer });
  const names = await tagsOf(ids, scope, deps);
  return await Promise.all(
    entries.reverse().map(async ({ entry, layer }, i): Promise<HistoryRow> => {
      const id = ids[i];
      return {
        id,
        tags: (id === undefined ? undefined : names.get(id)) ?? [],
        created: entry.created,
        createdBy: entry.created_by ?? '',
        comment: entry.comment ?? '',
        layer,
        size: await sizeOf(layer, images),
      };
    }),
  );
}

async function sizeOf(layer: Layer | undefined, images: LocalImages): Promise<number> {
  return layer === undefined ? 0 : await images.facts.bytes(layer);
}

async function tagsOf(ids: readonly Digest[], scope: string, { names }: ProjectDeps): Promise<Map<Digest, string[]>> {
  const found = await Promise.all(ids.map((id) => names.findById(scope, id)));
  const tags = found.map((all) => all.map(({ name }) => name).filter((name) => parseReference(name).tag !== undefined));
  return new Map(ids.map((id, i) => [id, tags[i] ?? []]));
}
