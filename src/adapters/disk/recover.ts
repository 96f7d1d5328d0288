import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { DataFolder } from '../../lib/data-folder.ts';
import { markIsAlive } from '../../lib/process-mark.ts';
import type { BlobSweep } from '../../stores/content/content.ts';
import { DiskBin } from './disk-bin.ts';
import { TRASH_GRACE_MS, Trash } from './trash.ts';

export interface RecoveryReport {
  /** Files of ingests that died on their way. */
  leftovers: number;
  /** Blobs whose removal was cut off after the file had moved and before the row had gone. */
  restored: number;
  /** Trash entries whose grace time is over. */
  emptied: number;
}

/** What the owner does to the content store before it answers anybody, so that a crash leaves no trace. */
export async function recoverContent(
  folder: DataFolder,
  rows: BlobSweep,
  clock: Clock = systemClock,
): Promise<RecoveryReport> {
  const trash = new Trash(folder.trash);
  return {
    leftovers: await dropLeftovers(join(folder.content, 'ingest')),
    restored: await restoreRecorded(new DiskBin(folder.content, trash), rows),
    emptied: await trash.empty(clock.now() - TRASH_GRACE_MS),
  };
}

/** Files under way carry the mark of their process; those of a build that still runs are its own. */
async function dropLeftovers(ingest: string): Promise<number> {
  let dropped = 0;
  for (const name of await readdir(ingest).catch((): string[] => [])) {
    if (await markIsAlive(name)) continue;
    await rm(join(ingest, name), { recursive: true, force: true });
    dropped++;
  }
  return dropped;
}

async function restoreRecorded(bin: DiskBin, rows: BlobSweep): Promise<number> {
  let restored = 0;
  for (const digest of await rows.present(await bin.discarded())) if (await bin.restore(digest)) restored++;
  return restored;
}
