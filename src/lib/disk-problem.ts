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

/** Stays free when bytes are refused, so that rows and logs can still be written. */
export const RESERVE_BYTES = 64 << 20;

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

/** Room is looked at again after so many bytes: far less than what stays free, and a look costs 30 µs. */
const STEP_BYTES = 16 << 20;

/** For bytes of which nobody said how many will come: an upload in chunks, an archive that unpacks to a thousand times its size. */
export class SpaceGuard {
  readonly #folder: string;
  readonly #reserve: number;
  #left = 0;

  constructor(folder: string, reserve: number) {
    this.#folder = folder;
    this.#reserve = reserve;
  }

  /** To be asked before they are written. @throws Problem `exhausted` */
  async take(bytes: number): Promise<void> {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    await requireSpace(this.#folder, bytes, this.#reserve);
    this.#left = STEP_BYTES;
  }
}

const FREE_SPACE =
  'Free some space (`slipway prune` removes what nothing uses) or move the data folder to a larger disk.';
