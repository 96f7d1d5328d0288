import { copyFile, realpath, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BlobPool } from '../adapters/disk/blob-pool.ts';
import { sqliteBlobRows } from '../adapters/sqlite/content.ts';
import { copyDatabase, readDatabaseCopy } from '../adapters/sqlite/snapshot.ts';
import type { HouseCalls } from '../doors/control/house-wire.ts';
import type { Digest } from '../images/digest.ts';
import { cancelled } from '../lib/cancelled.ts';
import { diskProblem } from '../lib/disk-problem.ts';
import { syncFolder } from '../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import type { BlobInfo } from '../stores/content/content.ts';
import { BackupFolder, copyChangedFiles, copyFiles } from './backup-folder.ts';
import type { Owner } from './owner.ts';

type Request = HouseCalls['backup']['request'];
type Result = HouseCalls['backup']['result'];
type Emit = (line: HouseCalls['backup']['event']) => Promise<void>;

const PAGE = 500;
const AT_ONCE = 4;

/**
 * Backs up a data folder in use: rows first, as they are at one moment, then the blobs, which never change. What the rows
 * name is still there when its turn comes, because nothing is removed meanwhile (`owner.removals`).
 */
export async function backUp(
  owner: Owner,
  { folder, keep }: Request,
  emit: Emit,
  signal: AbortSignal,
): Promise<Result> {
  const backups = new BackupFolder(await outside(owner.folder.root, folder));
  return owner.removals.with(async () => {
    const before = (await backups.list()).at(-1);
    const { name, folder: partial } = await backups.begin(new Date());
    const report: Result = { name, elsewhere: undefined, blobs: 0, added: 0, addedBytes: 0, absent: [], dropped: 0 };
    try {
      await copyRows(owner, partial, before && backups.snapshot(before));
      if (owner.place.url === 'disk') await copyBlobs(owner, new BlobPool(backups.content), report, emit, signal);
      else report.elsewhere = owner.place.url;
      await backups.finish(name);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw signal.aborted ? cancelled() : diskProblem(error, folder);
    }
    if (keep !== undefined) report.dropped = await dropOld(backups, keep);
    return report;
  });
}

/** Everything but the blobs. */
async function copyRows({ folder }: Owner, target: string, before: string | undefined): Promise<void> {
  await copyDatabase(folder.database, join(target, 'slipway.db'));
  await copyFiles(folder.root, join(target, 'files'));
  await copyIfThere(join(folder.content, 'place.json'), join(target, 'place.json'));
  await copyChangedFiles(folder.logs, join(target, 'logs'), before && join(before, 'logs'));
  await syncFolder(target);
}

async function copyBlobs(owner: Owner, pool: BlobPool, report: Result, emit: Emit, signal: AbortSignal): Promise<void> {
  const copy = async (blob: BlobInfo) => {
    signal.throwIfAborted();
    report.blobs++;
    const kept = await pool.take(blob, await owner.place.content.path(blob.digest)).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'not-found') return 'absent';
      throw error;
    });
    if (kept === 'absent' || kept === 'damaged') report.absent.push(blob.digest);
    else if (kept === 'new') {
      report.added++;
      report.addedBytes += blob.size;
    }
  };
  // the rows of now are those of the copy, and what was pushed since
  for (let page = await owner.sweep.page(0, undefined, PAGE); page.length > 0; ) {
    const left = [...page];
    const work = async () => {
      for (let blob = left.shift(); blob !== undefined; blob = left.shift()) await copy(blob);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const { blobs, added, addedBytes } = report;
    await emit({ blobs, added, addedBytes });
    page = await owner.sweep.page(0, page.at(-1)?.digest, PAGE);
  }
}

/** Snapshots beyond the newest `keep`, and the blobs that no other names. @returns how many snapshots */
async function dropOld(backups: BackupFolder, keep: number): Promise<number> {
  const names = await backups.list();
  const old = names.slice(0, Math.max(0, names.length - keep));
  if (old.length === 0) return 0;
  for (const name of old) await backups.remove(name);
  const databases = names.slice(old.length).map((name) => readDatabaseCopy(join(backups.snapshot(name), 'slipway.db')));
  try {
    const rows = databases.map((database) => sqliteBlobRows(database));
    await new BlobPool(backups.content).dropAllBut(async (digests) => {
      const named = await Promise.all(rows.map((each) => each.present(digests)));
      return new Set<Digest>(named.flat());
    });
  } finally {
    for (const database of databases) await database.destroy();
  }
  return old.length;
}

/** A backup in the data folder would go with it. */
async function outside(data: string, folder: string): Promise<string> {
  const target = resolve(folder);
  const parent = await realpath(join(target, '..')).catch((error: unknown) => {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new Problem('not-found', `there is no folder ${join(target, '..')}`, {
      hint: 'Is the disk mounted? The last folder of the path is made, those above it are not.',
    });
  });
  if (`${join(parent, basename(target))}/`.startsWith(`${await realpath(data)}/`))
    throw new Problem('invalid', `${folder} lies in the data folder`, { hint: 'Choose a folder on another disk.' });
  return target;
}

async function copyIfThere(source: string, target: string): Promise<void> {
  await copyFile(source, target).catch((error: unknown) => {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  });
}
