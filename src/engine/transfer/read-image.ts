import type { ImageConfig } from '../../images/config.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Layer } from '../../images/layer.ts';
import { type ImageManifest, type Manifest, parseManifest } from '../../images/manifest.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import type { ResolvedImage } from '../engine.ts';

/** Manifests and configs are read whole; registries refuse more than 4 MiB. */
export const SMALL_LIMIT = 4 << 20;

/** Reads an image whose manifest and config are here. @throws Problem `not-found`, `invalid` */
export async function readImage(
  reference: string,
  { target, manifest }: Pick<ResolvedImage, 'target' | 'manifest'>,
  content: ContentReader,
): Promise<ResolvedImage> {
  const image = imageOf(await readManifest(manifest, content), reference);
  return await assemble(reference, target, manifest, image, content);
}

export async function readManifest(descriptor: Descriptor, content: ContentReader): Promise<Manifest> {
  return parseManifest(await content.read(descriptor.digest, SMALL_LIMIT), descriptor.mediaType);
}

export function imageOf(manifest: Manifest, name: string): ImageManifest {
  if (manifest.kind === 'image') return manifest.value;
  throw new Problem('invalid', `${name}: an index lies where an image's manifest should be`);
}

/** A manifest in hand with its config, which is here. */
export async function assemble(
  reference: string,
  target: Descriptor,
  descriptor: Descriptor,
  manifest: ImageManifest,
  content: ContentReader,
): Promise<ResolvedImage> {
  const config = readConfig(await content.read(manifest.config.digest, SMALL_LIMIT), reference);
  const diffIDs = config.rootfs.diff_ids;
  if (diffIDs.length !== manifest.layers.length)
    throw new Problem(
      'invalid',
      `${reference}: the manifest has ${manifest.layers.length} layers and the config ${diffIDs.length}`,
    );
  const layers: Layer[] = manifest.layers.map((blob, i) => ({ diffID: diffIDs[i] ?? blob.digest, blob }));
  return { reference, target, manifest: descriptor, config, configDigest: manifest.config.digest, layers };
}

/** @throws Problem `invalid` when it is no image's config (an artifact, for example) */
function readConfig(bytes: Buffer, name: string): ImageConfig {
  const bad = (cause?: unknown) =>
    new Problem('invalid', `${name} is no image that can be run or built on: its config has no root file system`, {
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw bad(error);
  }
  if (typeof json !== 'object' || json === null || !('rootfs' in json)) throw bad();
  const { rootfs } = json;
  if (typeof rootfs !== 'object' || rootfs === null || !('diff_ids' in rootfs)) throw bad();
  // Go writes an empty list as null
  if (rootfs.diff_ids === null) rootfs.diff_ids = [];
  if (!Array.isArray(rootfs.diff_ids)) throw bad();
  return json as ImageConfig;
}
