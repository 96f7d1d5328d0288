import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../../lib/problem.ts';

/**
 * Bytes of the files below a folder, links not followed. What containers change meanwhile may be missed: nothing is opened
 * but folders.
 */
export async function folderSize(folder: string): Promise<number> {
  let bytes = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        if (entry.isDirectory()) waiting.push(path);
        else if (entry.isFile()) bytes += (await lstat(path)).size;
      }
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
  }
  return bytes;
}
