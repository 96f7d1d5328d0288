import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../images/digest.ts';
import { blobPath, IMAGE_NAME, LAYOUT_VERSION, REF_NAME } from '../../images/image-layout.ts';
import { type ImageIndex, parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import type { TarInput } from '../../images/tar/write.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import type { ImageLayout } from './image-layout.ts';

/** An image to put into an archive: its manifest (not an index) and the names that it shall have where it is loaded. */
export interface ArchivedImage {
  manifest: Descriptor;
  /** Whole references with a tag. */
  names: readonly string[];
}

/**
 * Images as the entries of one tar: an OCI image layout (image-layout.md), and for docker also its own `manifest.json`, which
 * names the same blobs. That is what `docker save` of version 25 and later writes, and old daemons, podman, skopeo and
 * containerd read it. Files in front say what follows, so that a reader needn't wait for the end; the same images give the
 * same bytes. All blobs have to be here.
 * @param shortNames as dockerd writes them: `api:1`
 */
export async function* archiveEntries(
  images: readonly ArchivedImage[],
  form: 'oci' | 'docker',
  content: ContentReader,
  shortNames = false,
): AsyncGenerator<TarInput, void, undefined> {
  const index: ImageIndex = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [] };
  const forDocker: unknown[] = [];
  const blobs = new Map<Digest, number>();
  for (const { manifest, names } of images) {
    const { config, layers } = await readImage(manifest, content);
    index.manifests.push(...indexEntries(manifest, names));
    forDocker.push({
      Config: blobPath(config.digest),
      // docker shortens whole names by itself, and podman takes a short one for one of localhost's
      RepoTags: names.length === 0 ? null : shortNames ? names.map(shortName) : names,
      Layers: layers.map((layer) => blobPath(layer.digest)),
    });
    for (const { digest, size } of [manifest, config, ...layers]) blobs.set(digest, size);
  }
  yield textEntry('oci-layout', LAYOUT_VERSION);
  yield textEntry('index.json', index);
  if (form === 'docker') yield textEntry('manifest.json', forDocker);
  yield* blobEntries(blobs, content);
}

/** An image layout as the entries of one tar. All blobs have to be here. */
export async function* layoutEntries(
  { index, blobs }: ImageLayout,
  content: ContentReader,
): AsyncGenerator<TarInput, void, undefined> {
  yield textEntry('oci-layout', LAYOUT_VERSION);
  yield textEntry('index.json', index);
  yield* blobEntries(new Map(blobs.map(({ digest, size }) => [digest, size])), content);
}

function* blobEntries(blobs: ReadonlyMap<Digest, number>, content: ContentReader): Generator<TarInput> {
  for (const folder of ['blobs', ...new Set([...blobs.keys()].map((digest) => `blobs/${digestAlgorithm(digest)}`))])
    yield { header: { ...PLAIN, name: folder, type: 'directory', mode: 0o755, size: 0 } };
  for (const [digest, size] of blobs)
    yield {
      header: { ...PLAIN, name: blobPath(digest), type: 'file', mode: 0o644, size },
      body: bytesOf(digest, content),
    };
}

/** The blobs that an archive of these images needs. */
export async function archivedBlobs(images: readonly ArchivedImage[], content: ContentReader): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const { manifest } of images) {
    const { config, layers } = await readImage(manifest, content);
    found.push(config, ...layers);
  }
  return found;
}

async function readImage(
  descriptor: Descriptor,
  content: ContentReader,
): Promise<{ config: Descriptor; layers: Descriptor[] }> {
  const parsed = parseManifest(await content.read(descriptor.digest), descriptor.mediaType);
  if (parsed.kind === 'index') throw new Problem('invalid', `${descriptor.digest} is an index of several platforms`);
  return parsed.value;
}

function indexEntries({ mediaType, digest, size }: Descriptor, names: readonly string[]): Descriptor[] {
  const plain = { mediaType, digest, size };
  if (names.length === 0) return [plain];
  return names.map((name) => {
    const { tag } = parseReference(name);
    return { ...plain, annotations: { [IMAGE_NAME]: name, ...(tag === undefined ? {} : { [REF_NAME]: tag }) } };
  });
}

function shortName(name: string): string {
  return familiarName(parseReference(name));
}

const PLAIN = { uid: 0, gid: 0, mtime: 0 };

function textEntry(name: string, json: unknown): TarInput {
  const body = Buffer.from(JSON.stringify(json));
  return { header: { ...PLAIN, name, type: 'file', mode: 0o644, size: body.length }, body };
}

/** Opened when its turn comes, so that one blob is open at a time. */
async function* bytesOf(digest: Digest, content: ContentReader): AsyncGenerator<Uint8Array, void, undefined> {
  yield* (await content.open(digest)) as AsyncIterable<Uint8Array>;
}
