import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import type { Manifest } from '../../images/manifest.ts';
import { isImageManifestType, isIndexType, MEDIA } from '../../images/media-types.ts';
import type { ManifestPut } from './registry.ts';

/** What a push of this manifest stores and requires, apart from its tags and who pushed. */
export type ManifestDescription = Omit<ManifestPut, 'tags' | 'actor'>;

/**
 * Reads the edges off a manifest. Lenient where clients need it: layers that say where else they lie (`urls`, foreign
 * layers) are never pushed; entries of an index may be layers (BuildKit's older caches) and may be absent (an index kept
 * byte for byte with only some of its platforms); a subject may be pushed later or never (distribution-spec,
 * "Pushing Manifests with Subject").
 */
export function describeManifest(manifest: Manifest, digest: Digest, size: number): ManifestDescription {
  const { value, mediaType } = manifest;
  const common = { digest, mediaType, size, annotations: value.annotations, subject: value.subject?.digest };
  if (manifest.kind === 'index') {
    const children = manifest.value.manifests.filter(isManifestDescriptor);
    const blobs = manifest.value.manifests.filter((entry) => !isManifestDescriptor(entry));
    return {
      ...common,
      artifactType: value.artifactType,
      blobs: digestsOf(blobs),
      children: digestsOf(children),
      required: digestsOf(blobs.filter(isPushed)),
    };
  }
  const blobs = [manifest.value.config, ...manifest.value.layers];
  return {
    ...common,
    // distribution-spec, "Listing Referrers": the config's type stands in where a manifest has none of its own
    artifactType: value.artifactType || manifest.value.config.mediaType,
    blobs: digestsOf(blobs),
    children: [],
    required: digestsOf(blobs.filter(isPushed)),
  };
}

function digestsOf(descriptors: Descriptor[]): Digest[] {
  return [...new Set(descriptors.map((descriptor) => descriptor.digest))];
}

/** Whether an entry of an index is a manifest, and not one of the layers that older caches put there. */
export function isManifestDescriptor(entry: Descriptor): boolean {
  return isIndexType(entry.mediaType) || isImageManifestType(entry.mediaType);
}

/** Whether registries keep the blob: a layer that says where else it lies is never pushed. */
export function isPushed(descriptor: Descriptor): boolean {
  return (
    (descriptor.urls ?? []).length === 0 && // null, too, is written by some
    descriptor.mediaType !== MEDIA.dockerForeignLayer &&
    !descriptor.mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.')
  );
}
