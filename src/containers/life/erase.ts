import type { ContainerRecord, ContainerState } from '../container-record.ts';
import type { ContainerFolder } from '../kept/container-folder.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Removes what the disk has of a container, and gives back what its record claimed; with `volumes`, those made for it alone.
 * Its folder goes last: as long as it is there, a crash leaves nothing claimed that nobody knows of.
 */
export async function erase(
  { id, mounts }: ContainerRecord,
  folder: ContainerFolder,
  volumes: boolean,
  around: Surroundings,
): Promise<void> {
  await folder.forget();
  await around.images.release(id);
  for (const { name, kind } of mounts) {
    if (kind !== 'volume' || name === undefined) continue;
    around.volumes.letGo(name, id);
    if (volumes) await around.volumes.removeIfAnonymous(name);
  }
  await folder.remove();
}

/** Why one that runs is not removed, in docker's words. */
export function refusedRemoval(status: ContainerState['status'], id: string): string {
  const advice = status === 'paused' ? 'Unpause and then stop' : 'Stop';
  return `You cannot remove a ${status} container ${id}. ${advice} the container before attempting removal or force remove`;
}
