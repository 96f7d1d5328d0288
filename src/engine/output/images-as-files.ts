import { parseReference } from '../../images/reference.ts';
import { writeTar } from '../../images/tar/write.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, CopyOptions, ImageFiles, LoadedImage, SaveOptions } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { FoundImage } from '../local/local-images.ts';
import { takeIn } from '../local/take-in.ts';
import { keepReferrer } from '../provenance/kept-referrers.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import { blobsOf } from '../transfer/image-parts.ts';
import type { ImageSource } from '../transfer/source.ts';
import { type ArchivedImage, archivedBlobs, archiveEntries, layoutEntries } from './image-archive.ts';
import { imageLayout } from './image-layout.ts';
import { writeLayoutFolder } from './layout-folder.ts';
import { loadArchive } from './load-archive.ts';
import type { ArchiveContent } from './read-archive.ts';
import { wholeImages } from './whole-images.ts';

export interface FilesRoom {
  deps: ProjectDeps;
  fetcher: BlobFetcher;
  source: ImageSource;
  trees: LayerTrees;
}

/** Local images as one archive; what lies elsewhere is fetched first. */
export async function saveImages(
  images: readonly FoundImage[],
  form: 'oci' | 'docker',
  write: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  room: FilesRoom,
  caller: Caller,
  options: SaveOptions = {},
): Promise<void> {
  if (form === 'docker') return await saveForDocker(images, write, room, caller, options);
  const { deps } = room;
  const layout = await imageLayout(await wholeImages(images, room, caller, options), deps.content);
  await room.fetcher.ensure(layout.blobs, caller.signal);
  await write(writeTar(layoutEntries(layout, deps.content)));
}

/** The same as a folder. */
export async function saveFolder(
  images: readonly FoundImage[],
  folder: string,
  room: FilesRoom,
  caller: Caller,
  options: CopyOptions = {},
): Promise<void> {
  const whole = await wholeImages(images, room, caller, options);
  const blobs = whole.flatMap(({ parts, companions }) =>
    [...parts, ...companions.flatMap((each) => each.parts)].flatMap(blobsOf),
  );
  await room.fetcher.ensure([...new Map(blobs.map((blob) => [blob.digest, blob])).values()], caller.signal);
  await writeLayoutFolder(folder, whole, room.deps.content, caller.signal);
}

async function saveForDocker(
  images: readonly FoundImage[],
  write: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  { deps, fetcher }: FilesRoom,
  { signal }: Caller,
  { shortNames }: SaveOptions,
): Promise<void> {
  const archived = new Map<string, ArchivedImage & { names: string[] }>();
  for (const { manifest, name } of images) {
    const image = archived.get(manifest.digest) ?? { manifest, names: [] };
    if (name !== undefined && parseReference(name).tag !== undefined && !image.names.includes(name))
      image.names.push(name);
    archived.set(manifest.digest, image);
  }
  const list = [...archived.values()];
  await fetcher.ensure(await archivedBlobs(list, deps.content), signal);
  await write(writeTar(archiveEntries(list, 'docker', deps.content, shortNames)));
}

/**
 * Every layer of this machine's platform is read to its end before the image gets a name, so that what is named is what its
 * config says.
 * @param read takes the blobs in
 */
export async function loadImages(
  read: (content: ContentStore) => Promise<ArchiveContent>,
  extraName: string | undefined,
  { deps, source, trees }: FilesRoom,
  caller: Caller,
): Promise<LoadedImage[]> {
  const { images: found, referrers } = await loadArchive(await read(deps.content), deps.content, deps.platform);
  if (extraName !== undefined && found.length !== 1)
    throw new Problem('invalid', `the archive holds ${found.length} images, and ${extraName} can name only one`);
  const loaded: LoadedImage[] = [];
  for (const { target, manifest, config, names } of found) {
    const image = { id: config, target, manifest, at: deps.clock.now() };
    const all = extraName === undefined ? names : [...new Set([...names, extraName])];
    const { layers } = await source.open(image);
    for (const layer of layers) await trees.listing(layer, caller.signal);
    loaded.push({ image, names: all });
  }
  for (const referrer of referrers)
    await keepReferrer(referrer, caller.scope, { names: deps.names, now: deps.clock.now() });
  for (const { image, names } of loaded) await takeIn({ ...image, kind: 'image' }, names, caller.scope, deps.names);
  return loaded;
}

/** The file tables of an image's layers, the lowest first; a layer that nobody looked into yet is read once. */
export async function imageFiles(
  image: FoundImage,
  { source, trees }: FilesRoom,
  signal: AbortSignal,
): Promise<ImageFiles> {
  const { layers } = await source.open(image);
  const files: ImageFiles = [];
  for (const layer of layers) {
    const { entries, whiteouts, opaques } = await trees.listing(layer, signal);
    files.push({
      layer,
      entries: [...entries].flatMap(([path, entry]) => (entry.implied ? [] : [{ path, ...entry }])),
      removed: [...whiteouts],
      emptied: [...opaques],
    });
  }
  return files;
}
