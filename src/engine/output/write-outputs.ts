import type { Layer } from '../../images/layer.ts';
import { type TarInput, writeTar } from '../../images/tar/write.ts';
import { orCancelled, throwIfCancelled } from '../../lib/cancelled.ts';
import type { Progress } from '../progress.ts';
import type { BuildOutput } from '../request.ts';
import { type FlattenRoom, flatten } from './flatten.ts';
import { type ArchivedImage, archivedBlobs, archiveEntries } from './image-archive.ts';
import { writeFolder } from './write-folder.ts';

/** A target whose image is complete. */
export interface OutputImage extends ArchivedImage {
  layers: readonly Layer[];
  /** Folder for its files where there are several targets. */
  folder: string;
}

/**
 * Writes what was asked for beside the images' names, one output after the other. Root file systems of several targets get
 * a folder each; image archives hold all of them.
 */
export async function writeOutputs(
  outputs: readonly BuildOutput[],
  images: readonly OutputImage[],
  room: FlattenRoom,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const output of outputs) {
    const vertex = progress.begin(TITLES[output.kind]);
    try {
      await writeOutput(output, images, room, signal);
      vertex.end('done');
    } catch (error) {
      const shown = orCancelled(error, signal);
      vertex.fail(shown);
      throw shown;
    }
  }
}

const TITLES = {
  local: 'exporting to client directory',
  tar: 'exporting to client tarball',
  oci: 'exporting to oci image format',
  docker: 'exporting to docker image format',
};

async function writeOutput(
  output: BuildOutput,
  images: readonly OutputImage[],
  room: FlattenRoom,
  signal: AbortSignal,
): Promise<void> {
  if (output.kind === 'local') await writeFolder(output.folder, rootfsOf(images, room, signal), signal);
  else if (output.kind === 'tar') await output.write(writeTar(rootfsOf(images, room, signal)));
  else {
    const named = images.map((image) => ({ ...image, names: [...image.names, ...(output.names ?? [])] }));
    await room.fetcher.ensure(await archivedBlobs(named, room.content), signal);
    await output.write(writeTar(untilAborted(archiveEntries(named, output.kind, room.content), signal)));
  }
}

async function* rootfsOf(
  images: readonly OutputImage[],
  room: FlattenRoom,
  signal: AbortSignal,
): AsyncGenerator<TarInput, void, undefined> {
  for (const { layers, folder } of images) {
    if (images.length === 1) return yield* flatten(layers, room, signal);
    yield { header: { name: folder, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 } };
    for await (const { header, body } of flatten(layers, room, signal)) {
      const { linkname } = header;
      const inside = header.type === 'hardlink' && linkname !== undefined ? { linkname: `${folder}/${linkname}` } : {};
      yield { header: { ...header, name: `${folder}/${header.name}`, ...inside }, body };
    }
  }
}

async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  for await (const item of items) {
    throwIfCancelled(signal);
    yield item;
  }
}
