import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasErrorCode, Problem } from './problem.ts';

/**
 * Writes a file of any size as a whole: under another name in the same folder first, so that the old file stays until the
 * new one is complete, and nothing stays of one that fails. A link of that name is replaced and not followed. After a power
 * cut it may be empty or cut; what has to survive one is written by `writeDurably`.
 * @throws Problem `not-found` when the folder isn't there, `invalid` when a folder has the name
 */
export async function replaceFile(
  path: string,
  bytes: AsyncIterable<Uint8Array> | string,
  mode = 0o644,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    // opened here: a stream that fails before its file is open would make it after it was removed
    const handle = await open(temporary, 'wx', mode);
    await pipeline(typeof bytes === 'string' ? [bytes] : bytes, handle.createWriteStream());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR') && (error as NodeJS.ErrnoException).path === temporary)
      throw new Problem('not-found', `no such folder: ${dirname(path)}`, { cause: error });
    if (hasErrorCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST'))
      throw new Problem('invalid', `${path} is a folder: a file's name is expected`, { cause: error });
    throw error;
  }
}
