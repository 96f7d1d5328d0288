import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** As `FileHandle.sync`, for a file that was opened without a promise. */
export const syncFile: (descriptor: number) => Promise<void> = promisify(fsync);

/**
 * Makes the names in a folder (creations, renames, removals) survive a power cut. Only the flush waits for the disk; to
 * open and to close take less time than the turn of the thread pool that each would cost.
 */
export async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, 'r');
  try {
    await syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Replaces a small file as a whole: temporary name in the same folder, fsync, rename, fsync of the folder. A reader sees
 * the old text or the new one, never a part, also after a crash.
 */
export async function writeDurably(path: string, text: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', mode);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
  } catch (error) {
    await handle?.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}
