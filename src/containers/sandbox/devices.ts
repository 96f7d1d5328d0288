import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceParts } from '../../kernel/node-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ContainerSpec } from '../container.ts';
import type { RuntimeDevice } from './insecure.ts';

type Wanted = NonNullable<ContainerSpec['devices']>[number];

/**
 * Devices of the machine for a container, at other paths if wanted; a folder stands for all that are in it.
 * @throws Problem `invalid` in docker's words
 */
export async function devicesOf(wanted: readonly Wanted[]): Promise<{ device: RuntimeDevice; access: string }[]> {
  const found: { device: RuntimeDevice; access: string }[] = [];
  for (const { source, target, access } of wanted) {
    if (!/^[rwm]{1,3}$/.test(access)) throw new Problem('invalid', `invalid device mode: ${access}`);
    const devices = (await isFolder(source)) ? await devicesIn(source, target) : [await deviceAt(source, target)];
    for (const device of devices) {
      if (device === undefined) throw refused(source, 'not a device node');
      found.push({ device, access });
    }
  }
  return found;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw refused(path, 'no such file or directory');
    throw error;
  }
}

async function devicesIn(folder: string, target: string): Promise<RuntimeDevice[]> {
  const found: RuntimeDevice[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const [path, inside] = [join(folder, name), join(target, name)];
    if ((await lstat(path)).isDirectory()) found.push(...(await devicesIn(path, inside)));
    else {
      const device = await deviceAt(path, inside);
      if (device !== undefined) found.push(device);
    }
  }
  return found;
}

/** Undefined for a file that is none. */
async function deviceAt(source: string, target: string): Promise<RuntimeDevice | undefined> {
  const found = await stat(source, { bigint: true });
  if (!found.isCharacterDevice() && !found.isBlockDevice()) return undefined;
  return {
    path: target,
    type: found.isBlockDevice() ? 'b' : 'c',
    ...deviceParts(found.rdev),
    fileMode: Number(found.mode & 0o7777n),
    uid: Number(found.uid),
    gid: Number(found.gid),
  };
}

function refused(path: string, why: string): Problem {
  return new Problem('invalid', `error gathering device information while adding custom device "${path}": ${why}`);
}
