import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasErrorCode, Problem } from './problem.ts';

/**
 * Writes a file of any size as a whole: under another name in the same folder first, so that the old file stays until the
 * new one is complete, and nothing stays of one that fails. Pipes and devices are written to as they are.
 * @throws Problem `not-found` when the folder isn't there, `invalid` when a folder has the name
 */
export async function replaceFile(path: string, bytes: AsyncIterable<Uint8Array>, mode = 0o644): Promise<void> {
  const there = await kindOf(path);
  if (there === 'folder') throw new Problem('invalid', `${path} is a folder: a file's name is expected`);
  if (there === 'special') return await pipeline(bytes, createWriteStream(path, { flags: 'w' }));
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await pipeline(bytes, createWriteStream(temporary, { flags: 'wx', mode }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR'))
      throw new Problem('not-found', `no such folder: ${dirname(path)}`, { cause: error });
    throw error;
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'special' | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'special';
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
