import { stat } from 'node:fs/promises';
import { hasErrorCode } from '../../lib/problem.ts';

/** Whether a path of this machine leads somewhere. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
