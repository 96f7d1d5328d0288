import type { ImageConfig } from '../../images/config.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, digestHex } from '../../images/digest.ts';
import { IMAGE_NAME, REF_NAME } from '../../images/image-layout.ts';
import type { Layer } from '../../images/layer.ts';
import { type ImageManifest, parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { Platform } from '../../images/platform.ts';
import { fullName } from '../../images/reference.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { KeptReferrer } from '../provenance/kept-referrers.ts';
import { choosePlatform } from '../transfer/choose-platform.ts';
import { layoutReferrers } from './layout-referrers.ts';
import { type ArchiveContent, fileNamed } from './read-archive.ts';

/** An image of an archive, whole in the content store. */
export interface FoundImage {
  target: Descriptor;
  /** Of this machine's platform; the target unless that is an index. */
  manifest: Descriptor;
  config: Digest;
  names: string[];
}

/** One image in docker's `manifest.json`. */
interface DockerItem {
  Config: string;
  RepoTags?: string[] | null;
  Layers: string[];
}

/**
 * The images of an archive, and what it says of them. An image layout keeps its manifests, byte for byte; docker's older form has none, and gets
 * them here.
 * @throws Problem `invalid` when something is missing in the archive, or is another thing than it says
 */
export async function loadArchive(
  archive: ArchiveContent,
  content: ContentStore,
  platform: Platform,
): Promise<{ images: FoundImage[]; referrers: KeptReferrer[] }> {
  const index = archive.texts.get('index.json');
  const items = dockerItems(archive);
  if (index !== undefined) return await fromLayout(index, items, archive, content, platform);
  if (items.length > 0)
    return { images: await Promise.all(items.map((item) => fromDocker(item, archive, content))), referrers: [] };
  throw new Problem('invalid', 'this is no archive of images: it has neither index.json nor manifest.json', {
    hint: 'docker save, podman save and slipway save write such archives; the files of a container (docker export) are none.',
  });
}

function dockerItems({ texts }: ArchiveContent): DockerItem[] {
  const text = texts.get('manifest.json');
  if (text === undefined) return [];
  const json: unknown = parseJson(text, 'manifest.json');
  const good = (item: unknown): item is DockerItem =>
    typeof item === 'object' &&
    item !== null &&
    'Config' in item &&
    typeof item.Config === 'string' &&
    'Layers' in item &&
    Array.isArray(item.Layers);
  if (Array.isArray(json) && json.every(good)) return json;
  throw new Problem('invalid', 'manifest.json of the archive is not as docker writes it');
}

async function fromLayout(
  text: Buffer,
  items: readonly DockerItem[],
  archive: ArchiveContent,
  content: ContentStore,
  platform: Platform,
): Promise<{ images: FoundImage[]; referrers: KeptReferrer[] }> {
  const index = parseManifest(text, MEDIA.ociIndex);
  const found = new Map<Digest, FoundImage>();
  const entries = index.kind === 'index' ? index.value.manifests : [];
  const { images, referrers } = await layoutReferrers(entries, (blob) => blobOf(blob, archive, content));
  for (const entry of images) {
    // what buildx says about the image beside it
    if (entry.platform?.os === 'unknown') continue;
    const image = found.get(entry.digest) ?? (await layoutImage(entry, archive, content, platform));
    found.set(entry.digest, image);
    image.names.push(...namesOf(entry, image, items));
  }
  for (const image of found.values()) image.names = [...new Set(image.names)];
  return { images: [...found.values()], referrers };
}

async function layoutImage(
  { mediaType, digest, size }: Descriptor,
  archive: ArchiveContent,
  content: ContentStore,
  platform: Platform,
): Promise<FoundImage> {
  const target: Descriptor = { mediaType, digest, size };
  let manifest = target;
  let parsed = parseManifest(await blobOf(target, archive, content), mediaType);
  if (parsed.kind === 'index') {
    const chosen = choosePlatform(parsed.value, platform, digest);
    manifest = { mediaType: chosen.mediaType, digest: chosen.digest, size: chosen.size };
    parsed = parseManifest(await blobOf(manifest, archive, content), manifest.mediaType);
  }
  if (parsed.kind === 'index') throw new Problem('invalid', `${manifest.digest}: an index lies in an index`);
  const { config, layers } = parsed.value;
  for (const blob of [config, ...layers]) checkThere(blob, archive);
  return { target, manifest, config: config.digest, names: [] };
}

function checkThere({ digest }: Descriptor, { blobs }: ArchiveContent): void {
  if (blobs.has(digest)) return;
  throw new Problem('invalid', `the archive names the blob ${digest}, but doesn't hold it`, {
    hint: 'It was cut, or saved without some of its layers: save the image again.',
  });
}

async function blobOf(blob: Descriptor, archive: ArchiveContent, content: ContentStore): Promise<Buffer> {
  checkThere(blob, archive);
  return await content.read(blob.digest);
}

/** containerd's and docker's annotation has the whole name, podman's and skopeo's may be a whole name or only a tag. */
function namesOf({ annotations = {} }: Descriptor, image: FoundImage, items: readonly DockerItem[]): string[] {
  const whole = annotations[IMAGE_NAME];
  if (whole !== undefined) return [fullName(whole)];
  const hex = digestHex(image.config);
  const tags = items.filter((item) => item.Config.includes(hex)).flatMap((item) => item.RepoTags ?? []);
  if (tags.length > 0) return tags.map(fullName);
  const reference = annotations[REF_NAME];
  return reference !== undefined && /[/:]/.test(reference) ? [fullName(reference)] : [];
}

async function fromDocker(item: DockerItem, archive: ArchiveContent, content: ContentStore): Promise<FoundImage> {
  const config = configOf(item, archive);
  const { rootfs } = parseJson(await content.read(config.digest), item.Config) as Partial<ImageConfig>;
  const diffIDs = rootfs?.diff_ids ?? [];
  const layers = item.Layers.map((name) => layerOf(name, archive));
  for (const [i, layer] of layers.entries())
    if (layer.diffID !== diffIDs[i])
      throw new Problem(
        'invalid',
        `layer ${item.Layers[i]} of the archive is ${layer.diffID}, its image says ${diffIDs[i]}`,
        {
          hint: 'The archive is damaged: save the image again.',
        },
      );
  if (layers.length !== diffIDs.length)
    throw new Problem('invalid', `the archive has ${layers.length} layers, its image ${diffIDs.length}`);
  const value: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config,
    layers: layers.map((layer) => layer.blob),
  };
  const { digest, size } = await content.put(Buffer.from(JSON.stringify(value)));
  const manifest: Descriptor = { mediaType: MEDIA.ociManifest, digest, size };
  return { target: manifest, manifest, config: config.digest, names: (item.RepoTags ?? []).map(fullName) };
}

function configOf({ Config }: DockerItem, archive: ArchiveContent): Descriptor {
  const file = fileNamed(archive, Config);
  if (file?.kind === 'config') return file.descriptor;
  throw new Problem('invalid', `the archive names the config ${Config}, but doesn't hold it`);
}

function layerOf(name: string, archive: ArchiveContent): Layer {
  const file = fileNamed(archive, name);
  if (file?.kind === 'layer') return file.layer;
  throw new Problem('invalid', `the archive names the layer ${name}, but doesn't hold it`, {
    hint: 'It was cut, or saved without some of its layers: save the image again.',
  });
}

function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Problem('invalid', `${name} of the archive is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
