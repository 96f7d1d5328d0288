import { rm } from 'node:fs/promises';
import { hasErrorCode } from './problem.ts';
import { runOk } from './run.ts';

/**
 * Removes a folder that somebody else filled; nothing happens when it isn't there, and links are never followed. Node's rm
 * names every file by its whole path, and a container can nest folders deeper than a path may be long (4096 bytes): rm(1),
 * which goes down by descriptors, takes those. A process that is being killed may still write, so it is tried again.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    if (!hasErrorCode(error, 'ENAMETOOLONG')) throw error;
    await runOk('rm', ['-rf', '--one-file-system', '--', path]);
  }
}
