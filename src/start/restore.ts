import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlobPool } from '../adapters/disk/blob-pool.ts';
import { sqliteBlobRows } from '../adapters/sqlite/content.ts';
import { checkDatabase, readDatabaseCopy } from '../adapters/sqlite/snapshot.ts';
import type { RestoreOptions, RestoreReport } from '../cli/services.ts';
import { dataFolder } from '../lib/data-folder.ts';
import { syncFolder, writeDurably } from '../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import { BackupFolder, copyChangedFiles, copyFiles } from './backup-folder.ts';

const PAGE = 200;

/**
 * Lays a snapshot out as a data folder. Every blob is read and its digest measured; the folder has its name once all of it
 * is there.
 * @throws Problem `conflict` when there is something already; `failed` for a damaged database
 */
export async function restore({ backup, snapshot, data, signal }: RestoreOptions): Promise<RestoreReport> {
  const backups = new BackupFolder(backup);
  const name = await backups.choose(snapshot);
  await requireFree(data);
  await checkDatabase(join(backups.snapshot(name), 'slipway.db'));

  const folder = dataFolder(data);
  const partial = `${folder.root}.restoring`;
  await rm(partial, { recursive: true, force: true });
  try {
    const report = await fill(partial, backups, name, signal);
    await rename(partial, folder.root);
    await syncFolder(dirname(folder.root));
    return report;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function fill(target: string, backups: BackupFolder, name: string, signal: AbortSignal): Promise<RestoreReport> {
  const from = backups.snapshot(name);
  const [content, database] = [join(target, 'content'), join(target, 'slipway.db')];
  await mkdir(content, { recursive: true, mode: 0o700 });
  await copyFiles(join(from, 'files'), target);
  await copyChangedFiles(join(from, 'logs'), join(target, 'logs'), undefined);
  await copyFile(join(from, 'slipway.db'), database);
  const place = await readFile(join(from, 'place.json'), 'utf8').catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (place !== undefined) await writeDurably(join(content, 'place.json'), place, 0o600);
  const { url } = JSON.parse(place ?? '{"url":"disk"}') as { url: string };
  const report: RestoreReport = { name, elsewhere: url === 'disk' ? undefined : url, blobs: 0, bytes: 0, absent: [] };
  if (url === 'disk') await layOut(new BlobPool(backups.content), new BlobPool(content), database, report, signal);
  await syncFolder(target);
  return report;
}

async function layOut(
  from: BlobPool,
  to: BlobPool,
  database: string,
  report: RestoreReport,
  signal: AbortSignal,
): Promise<void> {
  const copy = readDatabaseCopy(database);
  try {
    const rows = sqliteBlobRows(copy);
    for (let page = await rows.page(0, undefined, PAGE); page.length > 0; ) {
      for (const blob of page) {
        signal.throwIfAborted();
        if (!(await from.isWhole(blob)) || (await to.take(blob, from.path(blob.digest))) === 'damaged') {
          report.absent.push(blob.digest);
          continue;
        }
        report.blobs++;
        report.bytes += blob.size;
      }
      page = await rows.page(0, page.at(-1)?.digest, PAGE);
    }
  } finally {
    await copy.destroy();
  }
}

async function requireFree(data: string): Promise<void> {
  const names = await readdir(data).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  });
  if (names.length > 0)
    throw new Problem('conflict', `there is something in ${data} already`, {
      hint: 'A backup is laid out in a new folder: name one with --data. What is there stays as it is.',
    });
}
