import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { DataFolder } from '../../lib/data-folder.ts';
import { markIsAlive } from '../../lib/process-mark.ts';
import type { ContentPlace } from '../../stores/content/place.ts';
import { TRASH_GRACE_MS, Trash } from './trash.ts';

export interface RecoveryReport {
  /** Files of ingests that died on their way. */
  leftovers: number;
  /** Blobs whose removal was cut off after the file had moved and before the row had gone. */
  restored: number;
  /** Trash entries whose grace time is over. */
  emptied: number;
}

/** What the owner does to its blobs before it answers anybody, so that a crash leaves no trace. */
export async function recoverContent(
  folder: DataFolder,
  place: Pick<ContentPlace, 'recover'>,
  clock: Clock = systemClock,
): Promise<RecoveryReport> {
  return {
    leftovers: await dropLeftovers(join(folder.content, 'ingest')),
    restored: await place.recover(),
    emptied: await new Trash(folder.trash).empty(clock.now() - TRASH_GRACE_MS),
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
