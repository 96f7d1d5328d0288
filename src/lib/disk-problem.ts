import { statfs } from 'node:fs/promises';
import { formatBytes } from './bytes.ts';
import { hasErrorCode, Problem } from './problem.ts';

/** What the kernel and SQLite say when a disk, a quota or an inode table is used up. */
const FULL = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'];

/** A full disk as something a person can mend; any other error unchanged. */
export function diskProblem(error: unknown, folder: string): unknown {
  if (!hasErrorCode(error, ...FULL)) return error;
  return new Problem('exhausted', `no space left on the disk that holds ${folder}`, { hint: FREE_SPACE, cause: error });
}

/**
 * Refuses work that can't fit before its first byte is taken. `reserve` bytes stay free, so that rows and logs can still
 * be written when blobs are already refused.
 * @throws Problem `exhausted`
 */
export async function requireSpace(folder: string, bytes: number, reserve: number): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free >= bytes + reserve) return;
  throw new Problem(
    'exhausted',
    `no space left on the disk that holds ${folder}: ${formatBytes(bytes)} are needed, ${formatBytes(free)} are free, ` +
      `of which ${formatBytes(reserve)} are kept for records`,
    { hint: FREE_SPACE },
  );
}

const FREE_SPACE =
  'Free some space (`slipway prune` removes what nothing uses) or move the data folder to a larger disk.';
