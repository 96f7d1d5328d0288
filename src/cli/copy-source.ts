import { chmod, constants, copyFile, mkdir, readlink, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../lib/bytes.ts';
import { walkSource } from './sources/walk-source.ts';

/**
 * Fills a new, empty folder with what `gcloud builds submit` would upload of another: modes and times as they are, links as
 * links, everything root's or the user's who runs this. Where the file system can share blocks, no byte is copied; a file is
 * never the same one, since steps write into theirs.
 */
export async function copySource(
  folder: string,
  target: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let files = 0;
  let bytes = 0n;
  const folders: { path: string; mode: number; mtime: Date }[] = [];
  for await (const { path, full, stat } of walkSource(folder)) {
    signal.throwIfAborted();
    const to = join(target, path);
    const mode = Number(stat.mode) & 0o7777;
    if (stat.isDirectory()) {
      await mkdir(to, { mode: 0o755 });
      folders.push({ path: to, mode, mtime: stat.mtime });
    } else if (stat.isSymbolicLink()) await symlink(await readlink(full), to);
    else {
      await copyFile(full, to, constants.COPYFILE_FICLONE);
      await chmod(to, mode);
      await utimes(to, stat.atime, stat.mtime);
      files++;
      bytes += stat.size;
    }
  }
  // from the inside to the outside: a folder may be closed to writers, and its time changes with what comes into it
  for (const { path, mode, mtime } of folders.reverse()) {
    await chmod(path, mode);
    await utimes(path, mtime, mtime);
  }
  say(`Copied ${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(Number(bytes))}, from ${folder}`);
}
