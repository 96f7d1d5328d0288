import { chmod, lstat, mkdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { copyFolderAttributes } from './folder-attributes.ts';

/**
 * Mount points that an image lacks. runc would create them in the upper folder, and so in the layer, together with new
 * times for the folders around them. Instead they are made in a folder of their own, which is mounted as the topmost lower:
 * there is nothing to create any more, and nothing of it can appear in the upper, because what is mounted over can neither
 * be removed nor changed. The folders on the way take mode, owner, times and attributes from the image.
 */
export interface MountPoint {
  /** Absolute path in the container. */
  target: string;
  kind: 'folder' | 'file';
  /** Of a folder that has to be made; runc gives a tmpfs the mode of what it covers. */
  mode: number;
}

/** @param view the container's files as they will be, without the mounts; @param layer an empty folder, to be filled */
export async function fillInitLayer(view: string, layer: string, points: MountPoint[]): Promise<void> {
  const copied: string[] = [];
  const covered: string[] = [];
  for (const point of points) {
    const found = await resolveInside(view, point.target);
    if (covered.some((target) => found.path.startsWith(`${target}/`))) continue; // lies in another mount, made there
    covered.push(found.path);
    if (found.there) continue;
    const parts = found.path.split('/').filter(Boolean);
    for (let index = 1; index < parts.length; index++) {
      const above = `/${parts.slice(0, index).join('/')}`;
      try {
        await mkdir(join(layer, above), 0o755);
      } catch (error) {
        if (hasErrorCode(error, 'EEXIST')) continue;
        throw error;
      }
      if (await isThere(join(view, above))) copied.push(above);
      else await chmod(join(layer, above), 0o755); // mkdir's mode goes through our umask
    }
    if (point.kind === 'folder') {
      await mkdir(join(layer, found.path), { recursive: true });
      await chmod(join(layer, found.path), point.mode);
    } else await writeFile(join(layer, found.path), '', { mode: 0o644, flag: 'a' });
  }
  // Last, and the deepest first, because making a file changes its folder's time.
  for (const folder of copied.sort((a, b) => b.length - a.length)) {
    await copyFolderAttributes(join(view, folder), join(layer, folder));
  }
  await copyFolderAttributes(view, layer);
}

const MOST_LINKS = 40;

/**
 * Where a path leads with `view` as "/", and whether something is there: as runc resolves its mount points (links
 * followed also at the end, `..` stops at the root). The view is read-only and ours, so nobody changes it meanwhile.
 * @throws Problem `invalid` for a circle of links
 */
export async function resolveInside(view: string, path: string): Promise<{ path: string; there: boolean }> {
  const rest = path.split('/').filter(Boolean);
  const done: string[] = [];
  let links = 0;
  let there = true;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      there = await isThere(join(view, ...done));
      continue;
    }
    const here = `/${[...done, part].join('/')}`;
    const target = there ? await linkTarget(join(view, here)) : undefined;
    if (target === undefined) {
      done.push(part);
      there = await isThere(join(view, here));
    } else {
      if (++links > MOST_LINKS) throw new Problem('invalid', `${path}: too many levels of symbolic links`);
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) done.length = 0;
    }
  }
  return { path: `/${done.join('/')}`, there };
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (hasErrorCode(error, 'EINVAL', 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
