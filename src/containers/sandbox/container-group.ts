import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../../lib/problem.ts';
import type { Limits } from '../container.ts';
import { controllerRoot, type Hierarchy, killGroup, readHierarchies, removeGroup } from './cgroup.ts';
import { currentOwner } from './owner.ts';
import { groupPrefix } from './run-folder.ts';

/** Several containers that have limits together. */
export interface ContainerGroup {
  /** Below it are the cgroups of the containers. */
  path: string;
  /** Kills what is left in it. */
  close(): Promise<void>;
}

const CPU_PERIOD_US = 100_000;

/**
 * A cgroup for all containers of one build. Its name says whose it is, so that a sweep finds it. Where cgroups can't be
 * made, or a controller is off, there is no limit: it is the machine's owner who decides about both.
 * @param id `[a-z0-9-]+`
 */
export async function makeContainerGroup(tag: string, id: string, limits: Limits): Promise<ContainerGroup | undefined> {
  const hierarchies = await readHierarchies();
  const path = `/${groupPrefix(tag)}group-${id}@${currentOwner()}`;
  try {
    for (const { root } of hierarchies) await mkdir(join(root, path));
    for (const hierarchy of hierarchies) if (hierarchy.version === 2) await passOn(hierarchy, path);
    for (const [controller, version, file, value] of settingsOf(limits)) {
      const hierarchy = controllerRoot(hierarchies, controller);
      if (hierarchy?.version === version) await setIfThere(join(hierarchy.root, path, file), value);
    }
  } catch (error) {
    await removeGroup(hierarchies, path);
    if (hasErrorCode(error, 'EROFS', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
  return {
    path,
    async close() {
      await killGroup(hierarchies, path);
      await removeGroup(hierarchies, path);
    },
  };
}

/** v2: a controller counts below a group only where the group says so, and all groups above it. */
async function passOn(hierarchy: Hierarchy, path: string): Promise<void> {
  for (const group of [hierarchy.root, join(hierarchy.root, path)])
    for (const controller of ['cpu', 'memory', 'pids'])
      if (hierarchy.controllers.includes(controller))
        await setIfThere(join(group, 'cgroup.subtree_control'), `+${controller}`);
}

function settingsOf({
  memoryBytes,
  cpus,
  pids,
}: Limits): [controller: string, version: 1 | 2, file: string, value: string][] {
  const quota = cpus === undefined ? undefined : Math.max(1000, Math.round(cpus * CPU_PERIOD_US));
  return [
    ...(memoryBytes === undefined
      ? []
      : ([
          ['memory', 1, 'memory.use_hierarchy', '1'],
          ['memory', 1, 'memory.limit_in_bytes', String(memoryBytes)],
          ['memory', 1, 'memory.memsw.limit_in_bytes', String(memoryBytes)],
          ['memory', 2, 'memory.max', String(memoryBytes)],
          ['memory', 2, 'memory.swap.max', '0'],
        ] as const)),
    ...(quota === undefined
      ? []
      : ([
          ['cpu', 1, 'cpu.cfs_period_us', String(CPU_PERIOD_US)],
          ['cpu', 1, 'cpu.cfs_quota_us', String(quota)],
          ['cpu', 2, 'cpu.max', `${quota} ${CPU_PERIOD_US}`],
        ] as const)),
    ...(pids === undefined
      ? []
      : ([
          ['pids', 1, 'pids.max', String(pids)],
          ['pids', 2, 'pids.max', String(pids)],
        ] as const)),
  ].map(([controller, version, file, value]) => [controller, version, file, value]);
}

/** Some are only there with a kernel option (swap), or can't be set where they hold already (hierarchical counting). */
async function setIfThere(file: string, value: string): Promise<void> {
  if (!existsSync(dirname(file)) || !existsSync(file)) return;
  try {
    await writeFile(file, value, { flag: 'r+' });
  } catch (error) {
    if (!hasErrorCode(error, 'EBUSY', 'EINVAL', 'ENOENT', 'EOPNOTSUPP')) throw error;
  }
}
