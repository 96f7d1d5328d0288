import { chmodSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { copyFolderAttributes } from './folder-attributes.ts';

/**
 * Mount points that an image lacks. runc would create them in the upper folder, and so in the layer, together with new
 * times for the folders around them. Instead they are made in a folder of their own, which is mounted as the topmost lower:
 * there is nothing to create any more, and nothing of it can appear in the upper, because what is mounted over can neither
 * be removed nor changed. The folders on the way take mode, owner, times and attributes from the image.
 *
 * It asks for some fifty names of a view that is ours and local, a few microseconds each. Given to the thread pool one after
 * the other, they would take 3 ms of every container's start.
 */
export interface MountPoint {
  /** Absolute path in the container. */
  target: string;
  kind: 'folder' | 'file';
  /** Of a folder that has to be made; runc gives a tmpfs the mode of what it covers. */
  mode: number;
}

/** @param view the container's files as they will be, without the mounts; @param layer an empty folder, to be filled */
export function fillInitLayer(view: string, layer: string, points: MountPoint[]): void {
  const copied: string[] = [];
  const covered: string[] = [];
  for (const point of points) {
    const found = resolveInside(view, point.target);
    if (covered.some((target) => found.path.startsWith(`${target}/`))) continue; // lies in another mount, made there
    covered.push(found.path);
    if (found.there) continue;
    const parts = found.path.split('/').filter(Boolean);
    for (let index = 1; index < parts.length; index++) {
      const above = `/${parts.slice(0, index).join('/')}`;
      try {
        mkdirSync(join(layer, above), 0o755);
      } catch (error) {
        if (hasErrorCode(error, 'EEXIST')) continue;
        throw error;
      }
      if (isThere(join(view, above))) copied.push(above);
      else chmodSync(join(layer, above), 0o755); // mkdir's mode goes through our umask
    }
    if (point.kind === 'folder') {
      mkdirSync(join(layer, found.path), { recursive: true });
      chmodSync(join(layer, found.path), point.mode);
    } else writeFileSync(join(layer, found.path), '', { mode: 0o644, flag: 'a' });
  }
  // Last, and the deepest first, because making a file changes its folder's time.
  for (const folder of copied.sort((a, b) => b.length - a.length)) {
    copyFolderAttributes(join(view, folder), join(layer, folder));
  }
  copyFolderAttributes(view, layer);
}

const MOST_LINKS = 40;

/**
 * Where a path leads with `view` as "/", and whether something is there: as runc resolves its mount points (links
 * followed also at the end, `..` stops at the root). The view is read-only and ours, so nobody changes it meanwhile.
 * @throws Problem `invalid` for a circle of links
 */
function resolveInside(view: string, path: string): { path: string; there: boolean } {
  const rest = path.split('/').filter(Boolean);
  const done: string[] = [];
  let links = 0;
  let there = true;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      there = isThere(join(view, ...done));
      continue;
    }
    const here = `/${[...done, part].join('/')}`;
    const target = there ? linkTarget(join(view, here)) : undefined;
    if (target === undefined) {
      done.push(part);
      there = isThere(join(view, here));
    } else {
      if (++links > MOST_LINKS) throw new Problem('invalid', `${path}: too many levels of symbolic links`);
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) done.length = 0;
    }
  }
  return { path: `/${done.join('/')}`, there };
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasErrorCode(error, 'EINVAL', 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (hasErrorCode(error, 'ENOTDIR')) return false;
    throw error;
  }
}
