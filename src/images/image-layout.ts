import { type Digest, digestAlgorithm, digestHex } from './digest.ts';

/** OCI image-layout.md: what the names in a folder or an archive of images are, and what its index says of them. */

/** The tag of an entry of the index (annotations.md); podman and skopeo write a whole name here, too. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The whole name of an entry, as containerd and docker write it. */
export const IMAGE_NAME = 'io.containerd.image.name';

/** What the file `oci-layout` says. */
export const LAYOUT_VERSION = { imageLayoutVersion: '1.0.0' };

/** Where a blob lies, below the layout's root. */
export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}
