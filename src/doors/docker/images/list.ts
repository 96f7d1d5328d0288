import { matchPath } from '../../../dockerfile/match.ts';
import type { ShelfImage } from '../../../engine/local/shelf.ts';
import type { Digest } from '../../../images/digest.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { Filters } from '../filters.ts';
import { agoOf, booleanOf } from '../query.ts';
import { familiar, imageSummary } from './image-json.ts';

const FILTERS = ['before', 'dangling', 'label', 'reference', 'since', 'until'];

/** `docker images`. */
export async function listImages(call: DockerCall): Promise<void> {
  const { response, query, version, house, caller } = call;
  const filters = Filters.of(query, FILTERS);
  const { shelf } = house.engine;
  const fits = await timeFilter(filters, call);
  const dangling = filters.boolean('dangling');
  const all = await shelf.list(caller, booleanOf(query, 'all'));
  const shared = booleanOf(query, 'shared-size') ? sharedSizes(all) : undefined;
  const rows = all.filter(fits).flatMap((image) => {
    const tags = image.tags.filter((name) => fitsReference(name, filters));
    const digests = image.digests.filter((name) => fitsReference(name, filters));
    if (filters.has('reference') && tags.length + digests.length === 0) return [];
    const hasTag = image.tags.length > 0;
    if (dangling === true && hasTag) return [];
    if (dangling === false && !hasTag && image.digests.length === 0) return [];
    if (!filters.fitsLabels(image.config.config?.Labels ?? {})) return [];
    return [{ image: { ...image, digests }, tags }];
  });
  rows.sort((a, b) => createdMs(b.image) - createdMs(a.image) || b.image.at - a.image.at);
  sendJson(
    response,
    200,
    rows.map(({ image, tags }) => imageSummary(image, tags, shared?.get(image.id) ?? -1, version)),
  );
}

/** `before` and `since` an image, `until` a moment. @throws Problem `not-found` */
async function timeFilter(filters: Filters, { house, caller }: DockerCall): Promise<(image: ShelfImage) => boolean> {
  const dateOf = async (name: string) => createdMs(await house.engine.shelf.find(name, caller));
  const before = await Promise.all(filters.get('before').map(dateOf));
  const since = await Promise.all(filters.get('since').map(dateOf));
  before.push(...filters.get('until').map((text) => agoOf(text, house.clock.now())));
  return (image) => {
    const created = createdMs(image);
    return before.every((moment) => created < moment) && since.every((moment) => created > moment);
  };
}

function createdMs({ config }: ShelfImage): number {
  return Date.parse(config.created ?? '') || 0;
}

/** A pattern is for the whole name or for the name without its tag, both as a person writes them. */
function fitsReference(name: string, filters: Filters): boolean {
  const { tag: _, digest: __, ...bare } = parseReference(name);
  const texts = [familiar(name), familiarName(bare)];
  return filters.fits('reference', (pattern) => texts.some((text) => matchPath(pattern, text)));
}

/** Of each image the bytes of layers that others have, too. */
export function sharedSizes(images: readonly ShelfImage[]): ReadonlyMap<Digest, number> {
  const uses = new Map<Digest, number>();
  for (const { layers } of images)
    for (const diffID of new Set(layers.map((layer) => layer.diffID))) uses.set(diffID, (uses.get(diffID) ?? 0) + 1);
  return new Map(
    images.map((image) => {
      const sizes = image.layers.map(({ diffID }, i) => ((uses.get(diffID) ?? 0) > 1 ? (image.layerSizes[i] ?? 0) : 0));
      return [image.id, sizes.reduce((sum, size) => sum + size, 0)];
    }),
  );
}
