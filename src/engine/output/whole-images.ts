import type { Digest } from '../../images/digest.ts';
import { parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, CopyOptions } from '../engine.ts';
import type { FoundImage } from '../local/local-images.ts';
import { keptReferrers } from '../provenance/kept-referrers.ts';
import { type Companion, gatherCompanions } from '../transfer/gather-companions.ts';
import { imageParts, type Part } from '../transfer/image-parts.ts';
import type { ImageSource } from '../transfer/source.ts';
import type { LayoutImage } from './image-layout.ts';

interface Room {
  deps: ProjectDeps;
  source: ImageSource;
}

/**
 * Local images with all their platforms and with what is said of them, here or where they came from. Manifests are fetched;
 * blobs stay where they are.
 * @throws Problem `unavailable` when where they came from can't be asked
 */
export async function wholeImages(
  images: readonly FoundImage[],
  room: Room,
  caller: Caller,
  { platforms, referrers = true }: CopyOptions,
): Promise<LayoutImage[]> {
  const whole = new Map<Digest, LayoutImage & { names: string[] }>();
  for (const image of images) {
    const { name } = image;
    const names = name === undefined || parseReference(name).tag === undefined ? [] : [name];
    const known = whole.get(image.target.digest);
    if (known !== undefined) {
      known.names.push(...names.filter((name) => !known.names.includes(name)));
      continue;
    }
    const place = async () => (await room.deps.origins.sources(image.id))[0];
    const { parts } = await imageParts(image.target, name ?? image.id, { origin: place, platforms }, room, caller);
    const companions = referrers ? await said(image, parts, room, caller) : [];
    whole.set(image.target.digest, { target: image.target, names, parts, companions });
  }
  return [...whole.values()];
}

async function said(image: FoundImage, parts: readonly Part[], room: Room, caller: Caller): Promise<Companion[]> {
  const found = new Map<string, Companion>();
  const add = (companion: Companion) =>
    found.set(`${companion.subject} ${companion.tag ?? companion.digest}`, companion);
  const subjects = parts.map((part) => part.descriptor.digest);
  for (const { subject, target, tag } of await keptReferrers(subjects, caller.scope, room.deps.names)) {
    const whole = await imageParts(target, image.name ?? image.id, { origin: async () => undefined }, room, caller);
    add({ subject, digest: target.digest, tag, parts: whole.parts });
  }
  const reference = image.name === undefined ? undefined : parseReference(image.name);
  const named = reference !== undefined && isOwnHost(reference.host, room.deps.own) ? reference : undefined;
  const place = named ?? (await room.deps.origins.sources(image.id))[0];
  if (place === undefined) return [...found.values()];
  try {
    for (const companion of await gatherCompanions(place, parts, room, caller)) add(companion);
  } catch (error) {
    if (!(error instanceof Problem) || (error.code !== 'unavailable' && error.code !== 'timeout')) throw error;
    throw new Problem(
      error.code,
      `${image.name ?? image.id} came from ${place.host}, which can't be asked: ${error.message}`,
      {
        hint: 'Whether it has signatures or attestations is unknown. Try again, or save the image alone with --no-referrers.',
        cause: error,
      },
    );
  }
  return [...found.values()];
}
