import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { cosignTags } from '../../src/images/cosign-tags.ts';
import type { Descriptor } from '../../src/images/descriptor.ts';
import { digestOf } from '../../src/images/digest.ts';
import { blobPath, LAYOUT_VERSION, REF_NAME } from '../../src/images/image-layout.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import type { RegistryClient } from '../../src/images/remote/client.ts';
import { readSmall } from '../../src/lib/bytes.ts';

export interface Bytes {
  descriptor: Descriptor;
  bytes: Buffer;
}

/** An image of two platforms as BuildKit writes it: each has an attestation beside it in the index. */
export interface PlatformImage {
  index: Bytes;
  /** Of the platforms and their attestations, in the order of the index. */
  manifests: Bytes[];
  blobs: Bytes[];
  /** An SBOM that names the index as its subject, and a signature of the SBOM. */
  referrers: Bytes[];
  /** What cosign says of the first platform, by a tag alone. */
  signature: Bytes & { tag: string };
}

export const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
];

/** Deterministic for its text. */
export async function platformImage(text: string): Promise<PlatformImage> {
  const blobs: Bytes[] = [];
  const blob = (mediaType: string, bytes: Buffer): Descriptor => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    if (!blobs.some(({ descriptor: { digest } }) => digest === descriptor.digest)) blobs.push({ descriptor, bytes });
    return descriptor;
  };
  const json = (mediaType: string, value: object): Bytes => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value }));
    return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
  };
  const artifact = (artifactType: string, said: string, subject?: Descriptor): Bytes =>
    json(MEDIA.ociManifest, {
      artifactType,
      config: blob(MEDIA.ociEmpty, Buffer.from('{}')),
      layers: [blob(artifactType, Buffer.from(said))],
      ...(subject === undefined ? {} : { subject }),
      annotations: { said },
    });

  const manifests: Bytes[] = [];
  for (const platform of PLATFORMS) {
    const shared = await layer('etc/issue', 'the same everywhere\n');
    const own = await layer('etc/motd', `${text} for ${platform.architecture}\n`);
    const config = {
      ...platform,
      config: { Cmd: ['/bin/true'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [shared.diffID, own.diffID] },
    };
    const image = json(MEDIA.ociManifest, {
      config: blob(MEDIA.ociConfig, Buffer.from(JSON.stringify(config))),
      layers: [shared.blob, own.blob].map((bytes) => blob(MEDIA.ociLayerGzip, bytes)),
    });
    const attestation = json(MEDIA.ociManifest, {
      config: blob(MEDIA.ociConfig, Buffer.from(JSON.stringify({ os: 'unknown', architecture: 'unknown' }))),
      layers: [blob('application/vnd.in-toto+json', Buffer.from(JSON.stringify({ about: image.descriptor.digest })))],
    });
    manifests.push(
      { ...image, descriptor: { ...image.descriptor, platform } },
      {
        ...attestation,
        descriptor: {
          ...attestation.descriptor,
          annotations: {
            'vnd.docker.reference.digest': image.descriptor.digest,
            'vnd.docker.reference.type': 'attestation-manifest',
          },
          platform: { os: 'unknown', architecture: 'unknown' },
        },
      },
    );
  }
  const index = json(MEDIA.ociIndex, { manifests: manifests.map(({ descriptor }) => descriptor) });
  const sbom = artifact('application/spdx+json', `sbom of ${text}`, index.descriptor);
  const signed = artifact('application/vnd.example.signature', `signature of ${text}`, sbom.descriptor);
  const [first] = manifests;
  if (first === undefined) throw new Error('an image without platforms');
  const [tag = ''] = cosignTags(first.descriptor.digest);
  const signature = { ...artifact('application/vnd.dev.cosign.simplesigning.v1+json', text), tag };
  return { index, manifests, blobs, referrers: [sbom, signed], signature };
}

async function layer(name: string, text: string) {
  const tar = pack();
  tar.entry({ name, mtime: new Date(0) }, text);
  tar.finalize();
  const bytes = await readSmall(tar.pipe(new PassThrough()), 1 << 20);
  return { diffID: digestOf(bytes), blob: gzipSync(bytes) };
}

/** Pushes it, with what refers to it, as docker, oras and cosign would. */
export async function pushPlatformImage(
  client: RegistryClient,
  host: string,
  repository: string,
  tag: string,
  { index, manifests, blobs, referrers, signature }: PlatformImage,
): Promise<void> {
  const put = (name: string, { bytes, descriptor }: Bytes) =>
    client.putManifest(host, repository, name, bytes, descriptor.mediaType);
  for (const { descriptor, bytes } of blobs)
    await client.pushBlob(host, repository, descriptor, async () => Readable.from([bytes]));
  for (const manifest of manifests) await put(manifest.descriptor.digest, manifest);
  await put(tag, index);
  for (const referrer of referrers) await put(referrer.descriptor.digest, referrer);
  await put(signature.tag, signature);
}

/** Writes it into a folder as an OCI image layout, tagged `latest`; without what refers to it. */
export async function writePlatformLayout(folder: string, { index, manifests, blobs }: PlatformImage): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'oci-layout'), JSON.stringify(LAYOUT_VERSION));
  const entry = { ...index.descriptor, annotations: { [REF_NAME]: 'latest' } };
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  for (const { descriptor, bytes } of [index, ...manifests, ...blobs]) {
    const file = join(folder, blobPath(descriptor.digest));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}
