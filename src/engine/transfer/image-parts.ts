import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { type ImageIndex, type Manifest, parseManifest } from '../../images/manifest.ts';
import { formatPlatform, type Platform, platformMatches } from '../../images/platform.ts';
import type { Reference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { isManifestDescriptor, isPushed } from '../../stores/registry/describe.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller } from '../engine.ts';
import { choosePlatform } from './choose-platform.ts';
import type { ImageSource } from './source.ts';

/** A manifest of an image; whatever stands below it is a part of its own. */
export interface Part {
  descriptor: Descriptor;
  manifest: Manifest;
  bytes: Buffer;
}

export interface ImageParts {
  /** Every manifest that has to be there, each once, the children of an index before it. */
  parts: Part[];
  /** Entries of the index that stay where they are, because other platforms were asked for. */
  leftOut: Descriptor[];
}

export interface PartsOptions {
  /** Where a manifest is fetched from when it isn't here. */
  origin: () => Promise<Pick<Reference, 'host' | 'repository'> | undefined>;
  /** Of an index these alone, with what it says of them; absent: all. */
  platforms?: readonly Platform[] | undefined;
}

/** Manifests fetched from one registry at once. */
const FETCHING = 8;

/**
 * Takes an image apart into its manifests; those that are elsewhere come here, and where the blobs are is noted.
 * @throws Problem `not-found`, `unavailable`, `invalid`
 */
export async function imageParts(
  target: Descriptor,
  name: string,
  { origin, platforms }: PartsOptions,
  { deps, source }: { deps: ProjectDeps; source: ImageSource },
  caller: Caller,
): Promise<ImageParts> {
  const room = new Semaphore(FETCHING);
  const leftOut: Descriptor[] = [];
  const noteOrigin = async (part: Part): Promise<void> => {
    const blobs = blobsOf(part);
    const place = blobs.length === 0 ? undefined : await origin();
    if (place === undefined) return;
    if (isOwnHost(place.host, deps.own)) await source.noteLinked(place, blobs);
    else await source.noteOrigins(place, blobs);
  };
  const read = async (descriptor: Descriptor): Promise<Part> => {
    if ((await deps.content.stat(descriptor.digest)) === undefined) {
      const place = await origin();
      if (place === undefined)
        throw new Problem('unavailable', `${name}: its manifest ${descriptor.digest} is not here`, {
          hint: 'Pull the image again, so that its registry is known.',
        });
      await source.ensureManifest(place, descriptor, caller);
    }
    const bytes = await deps.content.read(descriptor.digest);
    const part = { descriptor, manifest: parseManifest(bytes, descriptor.mediaType), bytes };
    await noteOrigin(part);
    return part;
  };
  const below = async (descriptor: Descriptor, isTop: boolean): Promise<Part[]> => {
    const part = await room.with(() => read(descriptor));
    if (part.manifest.kind === 'image') return [part];
    const { chosen, others } =
      isTop && platforms ? choose(part.manifest.value, platforms, name) : all(part.manifest.value);
    leftOut.push(...others);
    const children = await Promise.all(
      chosen.filter(isManifestDescriptor).map(async (child) => (await below(child, false)).map(withEntry(child))),
    );
    return [...children.flat(), part];
  };
  const found = await below(target, true);
  return { parts: [...new Map(found.map((part) => [part.descriptor.digest, part])).values()], leftOut };
}

/** The entry of the index says more of a manifest than its own descriptor: the platform above all. */
function withEntry(entry: Descriptor): (part: Part) => Part {
  return (part) => (part.descriptor.digest === entry.digest ? { ...part, descriptor: entry } : part);
}

function all({ manifests }: ImageIndex): { chosen: Descriptor[]; others: Descriptor[] } {
  return { chosen: manifests, others: [] };
}

/** The platforms that were asked for, and the attestations that the index keeps beside them. */
function choose(
  index: ImageIndex,
  platforms: readonly Platform[],
  name: string,
): { chosen: Descriptor[]; others: Descriptor[] } {
  for (const platform of platforms) choosePlatform(index, platform, name);
  const digests = new Set<Digest | string>(
    index.manifests
      .filter(({ platform }) => platform !== undefined && platforms.some((want) => platformMatches(platform, want)))
      .map(({ digest }) => digest),
  );
  const isChosen = ({ digest, annotations }: Descriptor) =>
    digests.has(digest) || digests.has(annotations?.[ATTESTED] ?? '');
  return {
    chosen: index.manifests.filter(isChosen),
    others: index.manifests.filter((entry) => !isChosen(entry)),
  };
}

/** What an attestation in an index is about, as BuildKit annotates it. */
const ATTESTED = 'vnd.docker.reference.digest';

/** Whether the entry of an index is what its builder says about another one, and no image. */
export function isAttestation({ platform, annotations }: Descriptor): boolean {
  return platform?.os === 'unknown' || annotations?.[ATTESTED] !== undefined;
}

/** The platforms of the entries of an index as people write them, each once; attestations are none. */
export function platformsOf(entries: readonly Descriptor[]): string[] {
  const named = entries.filter((entry) => !isAttestation(entry));
  return [...new Set(named.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)])))];
}

/** The blobs of a manifest that registries keep: also the layers that older caches list in an index. */
export function blobsOf({ manifest }: Part): Descriptor[] {
  const blobs =
    manifest.kind === 'index'
      ? manifest.value.manifests.filter((entry) => !isManifestDescriptor(entry))
      : [manifest.value.config, ...manifest.value.layers];
  return blobs.filter(isPushed);
}

export function layersOf({ manifest }: Part): Digest[] {
  return manifest.kind === 'index' ? [] : manifest.value.layers.map((layer) => layer.digest);
}
