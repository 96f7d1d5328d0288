import type { Digest } from '../../images/digest.ts';
import { familiarName, formatReference, type Reference } from '../../images/reference.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, CopiedReferrer } from '../engine.ts';
import { companionsOf } from './companions.ts';
import { imageParts, isAttestation, type Part } from './image-parts.ts';
import type { ImageSource } from './source.ts';

/** Manifests asked about at once. */
const ASKING = 8;

/** What is said of an image, whole. */
export interface Companion extends CopiedReferrer {
  parts: Part[];
}

/**
 * What a repository has that is said of an image, of each of its platforms, and of what is said, in an order in which all
 * of it can be pushed.
 * @throws Problem as `companionsOf` and `imageParts`
 */
export async function gatherCompanions(
  from: Pick<Reference, 'host' | 'repository'>,
  image: readonly Part[],
  room: { deps: ProjectDeps; source: ImageSource },
  caller: Caller,
): Promise<Companion[]> {
  const asking = new Semaphore(ASKING);
  const place = { host: from.host, repository: from.repository };
  const known = new Set(image.map((part) => part.descriptor.digest));
  const found: Companion[] = [];
  let subjects = image.filter((part) => !isAttestation(part.descriptor)).map((part) => part.descriptor.digest);
  while (subjects.length > 0) {
    const said = await Promise.all(subjects.map((subject) => asking.with(() => saidOf(place, subject, room, caller))));
    const news = said.flat().filter(({ digest, tag }) => tag !== undefined || !known.has(digest));
    // two subjects may have signatures of the same bytes, each under a tag of its own
    const each = new Map(news.map((companion) => [companion.tag ?? companion.digest, companion]));
    subjects = [...each.values()].map(({ digest }) => digest).filter((digest) => !known.has(digest));
    for (const digest of subjects) known.add(digest);
    found.push(...each.values());
  }
  return found;
}

async function saidOf(
  from: Pick<Reference, 'host' | 'repository'>,
  subject: Digest,
  room: { deps: ProjectDeps; source: ImageSource },
  caller: Caller,
): Promise<Companion[]> {
  const { referrers, tags } = await companionsOf(from, subject, room.deps, caller);
  const companions: Companion[] = [];
  const options = { origin: async () => from };
  const name = familiarName(from);
  for (const listed of referrers) {
    const { parts } = await imageParts(listed, name, options, room, caller);
    companions.push({ subject, digest: listed.digest, artifactType: artifactTypeOf(parts), parts });
  }
  for (const tag of tags) {
    const { target } = await room.source.target(formatReference({ ...from, tag }), caller);
    const { parts } = await imageParts(target, name, options, room, caller);
    companions.push({ subject, digest: target.digest, artifactType: artifactTypeOf(parts), tag, parts });
  }
  return companions;
}

export function artifactTypeOf(parts: readonly Part[]): string | undefined {
  const manifest = parts.at(-1)?.manifest;
  if (manifest === undefined) return undefined;
  return manifest.value.artifactType || (manifest.kind === 'image' ? manifest.value.config.mediaType : undefined);
}
