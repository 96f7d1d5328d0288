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
export async function storeImage({ config, manifest }: ImageBlobs, content: ContentStore): Promise<void> {
  throwFirst(await Promise.allSettled([store(content, config), store(content, manifest)]));
}

async function store(content: ContentStore, { descriptor: { digest }, bytes }: JsonBlob): Promise<void> {
  // held before it is looked for, so that a collection can't take it before the image has its name
  await content.hold(BLOB_HOLDER, [digest], LEASE_MS);
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
