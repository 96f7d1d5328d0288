import { digestOf } from '../../src/images/digest.ts';
import type { ManifestPut } from '../../src/stores/registry/registry.ts';

/** A manifest whose bytes would be this text. */
export function version(text: string, more: Partial<ManifestPut> = {}): ManifestPut {
  return {
    digest: digestOf(text),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: text.length,
    blobs: [],
    children: [],
    tags: [],
    actor: 'tester',
    ...more,
  };
}
