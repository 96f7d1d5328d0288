import type { ImageConfig } from '../images/config.ts';
import type { Descriptor } from '../images/descriptor.ts';
import { digestOf } from '../images/digest.ts';
import type { Layer } from '../images/layer.ts';
import type { ImageManifest } from '../images/manifest.ts';
import { MEDIA } from '../images/media-types.ts';
import { type ContentStore, LEASE_MS } from '../stores/content/content.ts';
import { BLOB_HOLDER, throwFirst } from './transfer/fetch.ts';

/** Config and manifest of an image that is made here; its layers are blobs already. */
export interface ImageBlobs {
  config: JsonBlob;
  manifest: JsonBlob;
}

export interface JsonBlob {
  descriptor: Descriptor;
  bytes: Buffer;
}

export function imageBlobs(
  config: ImageConfig,
  layers: readonly Layer[],
  annotations?: Record<string, string>,
): ImageBlobs {
  const configBlob = toBlob(MEDIA.ociConfig, config);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: configBlob.descriptor,
    layers: layers.map(({ blob }) => ({ ...blob, mediaType: ociLayerType(blob.mediaType) })),
  };
  if (annotations !== undefined) manifest.annotations = annotations;
  return { config: configBlob, manifest: toBlob(MEDIA.ociManifest, manifest) };
}

/** Nobody knows of either before the image has its name or its place in a scope, so they reach the disk at once. */
export async function storeImage(image: ImageBlobs, content: ContentStore): Promise<void> {
  await storeImages([image], content);
}

/** Several at once; most of them may be there. */
export async function storeImages(images: readonly ImageBlobs[], content: ContentStore): Promise<void> {
  const blobs = images.flatMap(({ config, manifest }) => [config, manifest]);
  // held before they are looked for, so that a collection can't take them before the images have their names
  await content.hold(
    BLOB_HOLDER,
    blobs.map(({ descriptor }) => descriptor.digest),
    LEASE_MS,
  );
  throwFirst(await Promise.allSettled(blobs.map((blob) => store(content, blob))));
}

async function store(content: ContentStore, { descriptor: { digest }, bytes }: JsonBlob): Promise<void> {
  if ((await content.stat(digest)) === undefined) await content.put(bytes);
}

/** The bytes of a layer are the same in docker's manifests and in OCI's; only the name of their type differs. */
function ociLayerType(mediaType: string): string {
  return mediaType === MEDIA.dockerLayerGzip ? MEDIA.ociLayerGzip : mediaType;
}

function toBlob(mediaType: string, json: unknown): JsonBlob {
  const bytes = Buffer.from(JSON.stringify(json));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}
