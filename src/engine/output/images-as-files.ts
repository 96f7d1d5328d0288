import { parseReference } from '../../images/reference.ts';
import { writeTar } from '../../images/tar/write.ts';
import { Problem } from '../../lib/problem.ts';
import type { NamedImage } from '../../stores/names/names.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, ImageFiles, LoadedImage } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import type { ImageSource } from '../transfer/source.ts';
import { type ArchivedImage, archivedBlobs, archiveEntries } from './image-archive.ts';
import { loadArchive } from './load-archive.ts';

export interface FilesRoom {
  deps: ProjectDeps;
  fetcher: BlobFetcher;
  source: ImageSource;
  trees: LayerTrees;
}

/** Local images as one archive; what lies elsewhere is fetched first. */
export async function saveImages(
  images: readonly NamedImage[],
  form: 'oci' | 'docker',
  write: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  { deps, fetcher }: FilesRoom,
  signal: AbortSignal,
): Promise<void> {
  const archived = new Map<string, ArchivedImage & { names: string[] }>();
  for (const { manifest, name } of images) {
    const image = archived.get(manifest.digest) ?? { manifest, names: [] };
    if (parseReference(name).tag !== undefined && !image.names.includes(name)) image.names.push(name);
    archived.set(manifest.digest, image);
  }
  const list = [...archived.values()];
  await fetcher.ensure(await archivedBlobs(list, deps.content), signal);
  await write(writeTar(archiveEntries(list, form, deps.content)));
}

/** Every layer is read to its end before the image gets a name, so that what is named is what its config says. */
export async function loadImages(
  bytes: AsyncIterable<Uint8Array>,
  extraName: string | undefined,
  { deps, source, trees }: FilesRoom,
  caller: Caller,
): Promise<LoadedImage[]> {
  const found = await loadArchive(bytes, deps.content, deps.platform, caller.signal);
  if (extraName !== undefined && found.length !== 1)
    throw new Problem('invalid', `the archive holds ${found.length} images, and ${extraName} can name only one`);
  const loaded: LoadedImage[] = [];
  for (const { target, manifest, config, names } of found) {
    const image = { id: config, target, manifest, at: deps.clock.now() };
    const all = extraName === undefined ? names : [...new Set([...names, extraName])];
    const [first] = all;
    if (first === undefined)
      throw new Problem('invalid', `image ${config} of the archive has no name`, {
        hint: 'Give it one: slipway load --tag NAME -i FILE',
      });
    const { layers } = await source.open({ ...image, name: first });
    for (const layer of layers) await trees.listing(layer, caller.signal);
    loaded.push({ image, names: all });
  }
  for (const { image, names } of loaded) for (const name of names) await deps.names.set(caller.scope, name, image);
  return loaded;
}

/** The file tables of an image's layers, the lowest first; a layer that nobody looked into yet is read once. */
export async function imageFiles(
  image: NamedImage,
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
