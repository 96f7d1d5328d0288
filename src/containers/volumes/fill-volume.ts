import { closeSync, constants } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { O_PATH } from '../../kernel/openat2.ts';
import { openBelow } from '../../kernel/rooted.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { runOk } from '../../lib/run.ts';
import { withReadOnlyView } from '../sandbox/overlay.ts';
import { makeRunFolder, removeRunFolder } from '../sandbox/run-folder.ts';

/** A volume that is to begin with what the image has at the place where it is mounted. */
export interface VolumeToFill {
  folder: string;
  target: string;
}

/**
 * Copies what an image has at the targets into volumes that are still empty, with owners, modes, times, links and
 * attributes, those of the target itself too; as docker does when a container is made. What the image lacks leaves the volume
 * as it is.
 * @param id of the container, for the name of the folder in which the image is looked at
 */
export async function fillVolumes(
  runFolder: string,
  id: string,
  lowers: string[],
  volumes: readonly VolumeToFill[],
): Promise<void> {
  const empty: VolumeToFill[] = [];
  for (const volume of volumes) if ((await readdir(volume.folder)).length === 0) empty.push(volume);
  if (empty.length === 0) return;
  const folder = await makeRunFolder(runFolder, 'container', `fill-${id.slice(0, 24)}`);
  try {
    const [view, upper] = [join(folder.path, 'rootfs'), join(folder.path, 'none')];
    await mkdir(view);
    await mkdir(upper, { mode: 0o755 });
    await withReadOnlyView(view, { lowers, upper }, async (root) => {
      for (const { folder: volume, target } of empty) await copyFolder(root, target, volume);
    });
  } finally {
    await removeRunFolder(folder);
  }
}

/** cp(1) knows all that a file can have; it reaches the source by our descriptor, which no link leads out of. */
async function copyFolder(root: string, path: string, to: string): Promise<void> {
  let source: number;
  try {
    source = openBelow(root, path, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return;
    throw error;
  }
  try {
    await runOk('cp', ['-a', '--reflink=auto', `/proc/${process.pid}/fd/${source}/.`, to]);
  } catch (error) {
    for (const name of await readdir(to)) await removeTree(join(to, name));
    throw error;
  } finally {
    closeSync(source);
  }
}
