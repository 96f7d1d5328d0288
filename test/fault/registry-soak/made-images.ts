import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { Choices } from './choices.ts';

/** Bytes that a number stands for: they are made when they are needed, and never kept. */
export interface MadeBlob {
  digest: Digest;
  size: number;
  bytes(): Buffer;
}

export interface MadeImage {
  digest: Digest;
  mediaType: string;
  manifest: Buffer;
  blobs: MadeBlob[];
  /** Of an index. */
  children: MadeImage[];
}

/** Mostly a few kB, as configs and small layers are, and now and then a larger one. */
export function madeBlob(number: number): MadeBlob {
  const size = number % 40 === 0 ? 700_000 + (number % 1000) : 500 + ((number * 7919) % 30_000);
  const bytes = () => {
    const choices = new Choices(number);
    const made = Buffer.allocUnsafe(size + 4);
    for (let at = 0; at < size; at += 4) made.writeUInt32LE(choices.below(2 ** 32), at);
    return made.subarray(0, size);
  };
  return { digest: digestOf(bytes()), size, bytes };
}

/** @param subject what it is attached to */
export function madeImage(config: MadeBlob, layers: MadeBlob[], subject?: MadeImage): MadeImage {
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      ...(subject && { artifactType: 'application/vnd.example.signature' }),
      config: { mediaType: MEDIA.ociConfig, digest: config.digest, size: config.size },
      layers: layers.map(({ digest, size }) => ({ mediaType: MEDIA.ociLayer, digest, size })),
      ...(subject && { subject: descriptorOf(subject) }),
    }),
  );
  const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
  return { digest: digestOf(manifest), mediaType: MEDIA.ociManifest, manifest, blobs, children: [] };
}

export function madeIndex(children: MadeImage[]): MadeImage {
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: children.map(descriptorOf) }),
  );
  return { digest: digestOf(manifest), mediaType: MEDIA.ociIndex, manifest, blobs: [], children };
}

function descriptorOf({ digest, mediaType, manifest }: MadeImage) {
  return { mediaType, digest, size: manifest.length };
}
