import { stat } from 'node:fs/promises';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ContainerMount } from '../container.ts';
import type { MountPoint } from './init-layer.ts';
import { normal, SYSTEM_MOUNTS } from './mount-config.ts';

/**
 * Everything that will be mounted over the root file system, parents first.
 * @throws Problem `invalid` for a bind mount without source, in docker's words
 */
export async function mountPointsOf(mounts: readonly ContainerMount[]): Promise<MountPoint[]> {
  const points: MountPoint[] = SYSTEM_MOUNTS.map(({ destination }) => ({
    target: destination,
    kind: 'folder',
    mode: 0o755,
  }));
  for (const target of ['/etc/resolv.conf', '/etc/hostname', '/etc/hosts'])
    points.push({ target, kind: 'file', mode: 0o644 });
  for (const mount of mounts) {
    const kind = mount.kind === 'bind' && !(await isFolder(mount.source)) ? 'file' : 'folder';
    points.push({ target: normal(mount.target), kind, mode: mount.kind === 'tmpfs' ? 0o1777 : 0o755 });
  }
  return points.sort((a, b) => a.target.split('/').length - b.target.split('/').length);
}

async function isFolder(source: string): Promise<boolean> {
  try {
    return (await stat(source)).isDirectory();
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new Problem('invalid', `invalid mount config for type "bind": bind source path does not exist: ${source}`);
  }
}
