import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { fallbackTag } from '../../images/fallback-tag.ts';
import { IMAGE_NAME, REF_NAME } from '../../images/image-layout.ts';
import type { ImageIndex } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { parseReference } from '../../images/reference.ts';
import { referrerDescriptor } from '../../images/remote/note-referrer.ts';
import type { ContentWriter } from '../../stores/content/content.ts';
import type { Companion } from '../transfer/gather-companions.ts';
import { blobsOf, type Part } from '../transfer/image-parts.ts';

/** An image to put into an image layout, with all that was asked for of it. */
export interface LayoutImage {
  target: Descriptor;
  /** Whole references with a tag. */
  names: readonly string[];
  parts: readonly Part[];
  companions: readonly Companion[];
}

/** What an image layout says, and the blobs that it needs, each once. */
export interface ImageLayout {
  index: ImageIndex;
  blobs: Descriptor[];
}

/**
 * Joins images to a layout. Its index names them by their tags, or by their whole names where two have the same tag, so
 * that `oci:FOLDER:TAG` finds one. What is said of an image stands there as in a registry without the referrers API: an
 * index under the fallback tag of the subject, cosign's under its own tags; oras and regctl look there.
 * @param before entries that are there already; those of the same names give way, lists of referrers are joined
 * @param listed what such a list of `before` has
 */
export async function imageLayout(
  images: readonly LayoutImage[],
  content: Pick<ContentWriter, 'put'>,
  before: readonly Descriptor[] = [],
  listed: (index: Descriptor) => Promise<Descriptor[]> = async () => [],
): Promise<ImageLayout> {
  const entries = imageEntries(images);
  const blobs = new Map<Digest, Descriptor>();
  const add = ({ mediaType, digest, size }: Descriptor) => blobs.set(digest, { mediaType, digest, size });
  for (const part of images.flatMap(({ parts, companions }) => [...parts, ...companions.flatMap((each) => each.parts)]))
    for (const blob of [...blobsOf(part), part.descriptor]) add(blob);

  for (const [tag, referrers] of referrerLists(images)) {
    const old = before.find(({ annotations }) => annotations?.[REF_NAME] === tag);
    const kept = (old === undefined ? [] : await listed(old)).filter(
      ({ digest }) => !referrers.some((one) => one.digest === digest),
    );
    const list: ImageIndex = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [...kept, ...referrers] };
    const { digest, size } = await content.put(Buffer.from(JSON.stringify(list)));
    const entry = { mediaType: MEDIA.ociIndex, digest, size };
    add(entry);
    entries.push({ ...entry, annotations: { [REF_NAME]: tag } });
  }
  for (const { tag, parts } of images.flatMap(({ companions }) => companions)) {
    const top = parts.at(-1)?.descriptor;
    if (tag === undefined || top === undefined) continue;
    const { mediaType, digest, size } = top;
    entries.push({ mediaType, digest, size, annotations: { [REF_NAME]: tag } });
  }
  const manifests = [...before.filter((old) => !entries.some((entry) => replaces(entry, old))), ...entries];
  return { index: { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }, blobs: [...blobs.values()] };
}

function imageEntries(images: readonly LayoutImage[]): Descriptor[] {
  const tags = images.flatMap(({ names }) => names).map((name) => parseReference(name).tag);
  return images.flatMap(({ target: { mediaType, digest, size }, names }) => {
    if (names.length === 0) return [{ mediaType, digest, size }];
    return names.map((name): Descriptor => {
      const { tag } = parseReference(name);
      const isAlone = tag !== undefined && tags.indexOf(tag) === tags.lastIndexOf(tag);
      return { mediaType, digest, size, annotations: { [IMAGE_NAME]: name, [REF_NAME]: isAlone ? tag : name } };
    });
  });
}

/** By the fallback tag of their subject. */
function referrerLists(images: readonly LayoutImage[]): Map<string, Descriptor[]> {
  const lists = new Map<string, Descriptor[]>();
  for (const { subject, digest, tag, parts } of images.flatMap(({ companions }) => companions)) {
    const top = parts.at(-1);
    if (tag !== undefined || top === undefined) continue;
    const list = lists.get(fallbackTag(subject)) ?? [];
    if (!list.some((one) => one.digest === digest))
      list.push(referrerDescriptor(top.manifest, digest, top.bytes.length));
    lists.set(fallbackTag(subject), list);
  }
  return lists;
}

function replaces(entry: Descriptor, old: Descriptor): boolean {
  const [name, before] = [entry.annotations?.[REF_NAME], old.annotations?.[REF_NAME]];
  return name === before && (name !== undefined || entry.digest === old.digest);
}
