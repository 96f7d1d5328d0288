import { closeSync, existsSync } from 'node:fs';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from '../../kernel/flock.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { markIsAlive } from '../../lib/process-mark.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { runOk } from '../../lib/run.ts';
import { type CacheAbout, isStillAt, newFolder, openLock } from './cache-folders.ts';

export interface CacheMountUse {
  project: string;
  /** As in the Dockerfile, behind the build's namespace and a slash. */
  id: string;
  bytes: number;
  /** Milliseconds since 1970. */
  usedAt: number;
}

export interface PrunedCaches {
  removed: CacheMountUse[];
  /** The rest, the largest first. */
  kept: CacheMountUse[];
}

export interface PruneLimits {
  /** Those that nobody used for so long go. */
  idleMs: number;
  /** Then the least recently used ones, until all of them together take no more than this. */
  maxBytes: number;
}

interface Found extends CacheMountUse {
  folder: string;
}

/**
 * Removes cache mounts by age, then by size; what a container uses stays. Also what processes left that died while they
 * made or removed one.
 * @param snapshots the data folder's `snapshots/`
 */
export async function pruneCacheMounts(snapshots: string, limits: PruneLimits, now: number): Promise<PrunedCaches> {
  const root = join(snapshots, 'caches');
  await sweepUnfinished(root);
  const found = (await findAll(root)).sort((a, b) => a.usedAt - b.usedAt);
  let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const report: PrunedCaches = { removed: [], kept: [] };
  for (const { folder, ...use } of found) {
    const goes = now - use.usedAt >= limits.idleMs || total > limits.maxBytes;
    if (goes && (await remove(root, folder))) {
      total -= use.bytes;
      report.removed.push(use);
    } else report.kept.push(use);
  }
  report.kept.sort((a, b) => b.bytes - a.bytes);
  return report;
}

async function sweepUnfinished(root: string): Promise<void> {
  for (const name of await namesIn(join(root, 'new')))
    if (!(await markIsAlive(name))) await removeTree(join(root, 'new', name));
}

async function findAll(root: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await namesIn(root)) {
    if (name === 'new') continue;
    const folder = join(root, name);
    try {
      const { project, id } = JSON.parse(await readFile(join(folder, 'about.json'), 'utf8')) as CacheAbout;
      const usedAt = (await stat(join(folder, 'lock'))).mtimeMs;
      found.push({ folder, project, id, usedAt, bytes: await sizeOf(folder, usedAt) });
    } catch (error) {
      if (existsSync(join(folder, 'lock'))) throw error; // else another prune was faster
    }
  }
  return found;
}

/** Measured once after each use: a cache of a package manager holds a hundred thousand files. */
async function sizeOf(folder: string, usedAt: number): Promise<number> {
  const file = join(folder, 'size');
  const known = await readFile(file, 'utf8').catch(() => '');
  const [at, bytes] = known.split(' ').map(Number);
  if (at === usedAt && bytes !== undefined) return bytes;
  const { stdout } = await runOk('du', ['-s', '-B1', '-x', '--', join(folder, 'data')]);
  const measured = Number.parseInt(stdout, 10);
  await writeFile(file, `${usedAt} ${measured}`);
  return measured;
}

/** @returns false when it is in use */
async function remove(root: string, folder: string): Promise<boolean> {
  const lock = openLock(folder);
  if (lock === undefined) return false;
  try {
    if (!tryLock(lock) || !isStillAt(lock, folder)) return false;
    const grave = await newFolder(root);
    await rename(folder, grave);
    await removeTree(grave);
    return true;
  } finally {
    closeSync(lock);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
