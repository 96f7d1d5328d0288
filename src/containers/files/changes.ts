import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { pathBytes, pathText } from '../../images/tar/path-text.ts';
import { getXattr } from '../../kernel/xattr.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import type { Containers } from '../containers.ts';
import { OPAQUE_XATTR } from '../sandbox/overlay-marks.ts';

type Change = Awaited<ReturnType<Containers['changes']>>[number];

/**
 * What an upper folder changes of the lowers below it, as `docker diff` tells it, sorted by path:
 * - a file is modified when its mode, owner, kind, size, time or target differ from the one below, added when there is none;
 * - a folder is modified when its own mode or owner differ, or when anything in it changed; the root never is;
 * - of what was removed only the topmost path is told; a folder that was replaced is modified, and what it had and has no
 *   more is removed.
 *
 * The lowers are looked at name by name, topmost first; nothing is mounted.
 */
export async function changesOf(upper: string, lowers: readonly string[]): Promise<Change[]> {
  const changes: Change[] = [];
  await compareFolder(upper, '', lowers, changes);
  return changes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

async function compareFolder(
  upper: string,
  folder: string,
  lowers: readonly string[],
  changes: Change[],
): Promise<void> {
  for (const name of await namesIn(`${upper}${folder}`)) {
    const path = `${folder}/${name}`;
    const above = statOf(`${upper}${path}`);
    if (above === undefined) continue;
    const below = lowest(lowers, path);
    if (isWhiteout(above)) {
      if (below !== undefined) changes.push({ path, kind: 'deleted' });
      continue;
    }
    if (below === undefined) {
      changes.push({ path, kind: 'added' });
      if (above.isDirectory()) await compareFolder(upper, path, [], changes);
      continue;
    }
    if (!above.isDirectory() || !below.stat.isDirectory()) {
      if (differs(`${upper}${path}`, above, below)) changes.push({ path, kind: 'modified' });
      if (above.isDirectory()) await compareFolder(upper, path, [], changes);
      continue;
    }
    const before = changes.length;
    await compareFolder(upper, path, below.lowers, changes);
    if (isOpaque(`${upper}${path}`)) await hidden(upper, path, below.lowers, changes);
    if (changes.length > before || metadataDiffers(above, below.stat)) changes.push({ path, kind: 'modified' });
  }
}

/** What a folder that was replaced has no more. */
async function hidden(upper: string, folder: string, lowers: readonly string[], changes: Change[]): Promise<void> {
  const names = new Set<string>();
  for (const lower of lowers) {
    if (statOf(`${lower}${folder}`)?.isDirectory() === true) {
      for (const name of await namesIn(`${lower}${folder}`)) names.add(name);
    }
  }
  for (const name of names) {
    const path = `${folder}/${name}`;
    if (statOf(`${upper}${path}`) === undefined && lowest(lowers, path) !== undefined) {
      changes.push({ path, kind: 'deleted' });
    }
  }
}

interface Below {
  /** Where it lies. */
  place: string;
  stat: BigIntStats;
  /** Those that show in it, if it is a folder. */
  lowers: string[];
}

/** What the lowers show at a path whose folder they all may have. */
function lowest(lowers: readonly string[], path: string): Below | undefined {
  let found: Below | undefined;
  for (const lower of lowers) {
    const stat = statOf(`${lower}${path}`);
    if (stat === undefined) continue;
    if (isWhiteout(stat) || (found !== undefined && !stat.isDirectory())) break;
    found ??= { place: `${lower}${path}`, stat, lowers: [] };
    found.lowers.push(lower);
    if (!stat.isDirectory() || isOpaque(`${lower}${path}`)) break;
  }
  return found;
}

function differs(path: string, above: BigIntStats, { place, stat }: Below): boolean {
  if (metadataDiffers(above, stat)) return true;
  if (above.isDirectory()) return true;
  if (above.mtimeNs !== stat.mtimeNs || above.size !== stat.size || above.rdev !== stat.rdev) return true;
  return above.isSymbolicLink() && !linkOf(path).equals(linkOf(place));
}

/** Mode with the kind of file, and owner. */
function metadataDiffers(above: BigIntStats, below: BigIntStats): boolean {
  return above.mode !== below.mode || above.uid !== below.uid || above.gid !== below.gid;
}

function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

function isOpaque(path: string): boolean {
  return getXattr(pathBytes(path), OPAQUE_XATTR)?.toString() === 'y';
}

function linkOf(path: string): Buffer {
  return readlinkSync(pathBytes(path), { encoding: 'buffer' });
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(pathBytes(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (hasErrorCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(pathBytes(folder), { encoding: 'buffer' })).map(pathText);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return []; // the container runs
    throw error;
  }
}
