import { closeSync, constants, fchmodSync, futimesSync } from 'node:fs';
import { link, lstat, lutimes, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TarHeader } from '../../images/tar/header.ts';
import { readTar } from '../../images/tar/read.ts';
import { openBelow } from '../../kernel/rooted.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { partsOf } from '../trees/entry.ts';

/** Entries of one source archive at most: names cost memory while folder times are kept. */
const MAX_ENTRIES = 1_000_000;

/**
 * Unpacks an archive of sources (a build's, or a context's) into a folder that is empty and that nobody else can reach yet
 * (no step runs before the source is there), so plain file calls are safe as long as the archive's own links are not
 * followed: every parent must be a real folder. Owner is root whatever the archive says, as in the hosted /workspace; modes,
 * times and links are kept.
 * @param reserve bytes that stay free on the disk
 * @returns the number of entries
 * @throws Problem `invalid` for names that lead out, and for entries that are no files, folders or links; `exhausted`
 */
export async function unpackTar(
  stream: AsyncIterable<Uint8Array>,
  root: string,
  signal: AbortSignal,
  reserve = RESERVE_BYTES,
): Promise<number> {
  try {
    return await unpackEntries(stream, root, signal, new SpaceGuard(root, reserve));
  } catch (error) {
    throw diskProblem(error, root);
  }
}

async function unpackEntries(
  stream: AsyncIterable<Uint8Array>,
  root: string,
  signal: AbortSignal,
  room: SpaceGuard,
): Promise<number> {
  const folders = new Map<string, TarHeader>();
  let count = 0;
  for await (const { header, body } of readTar(stream)) {
    signal.throwIfAborted();
    const path = cleanName(header.name);
    if (path === '') continue;
    if (++count > MAX_ENTRIES) throw new Problem('invalid', `the source has more than ${MAX_ENTRIES} entries`);
    const target = join(root, path);
    await makeParents(root, path);
    if (header.type === 'directory') {
      await replaceUnlessFolder(target);
      folders.set(path, header);
      continue;
    }
    await rm(target, { recursive: true, force: true });
    if (header.type === 'file') await writeFile(target, header, body, room);
    else if (header.type === 'symlink') await symlink(header.linkname ?? '', target);
    else if (header.type === 'hardlink') await linkWithin(root, header.linkname ?? '', target);
    else throw new Problem('invalid', `the source holds ${path}, which is neither file, folder nor link`);
    if (header.type !== 'hardlink') await setTimes(target, header);
  }
  // last and deepest first, because writing into a folder changes its time, and its mode may forbid that
  for (const [path, header] of [...folders].reverse()) finishFolder(root, path, header);
  return count;
}

/** Below the root by the kernel, because a later entry may have put a link where the folder or one above it was. */
function finishFolder(root: string, path: string, header: TarHeader): void {
  let fd: number;
  try {
    fd = openBelow(root, path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return; // it was replaced
    throw error;
  }
  try {
    fchmodSync(fd, header.mode & 0o7777);
    futimesSync(fd, secondsOf(header), secondsOf(header));
  } finally {
    closeSync(fd);
  }
}

/** A name without leading slash and dots. @throws Problem when it leads out */
function cleanName(name: string): string {
  const parts = partsOf(name);
  if (parts.includes('..') || name.includes('\0'))
    throw new Problem('invalid', `the source holds ${JSON.stringify(name)}, which leads out of its folder`);
  return parts.join('/');
}

async function makeParents(root: string, path: string): Promise<void> {
  let folder = root;
  for (const part of dirname(path).split('/')) {
    if (part === '.') continue;
    folder = join(folder, part);
    const stat = await lstat(folder).catch((error: unknown) => {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (stat === undefined) await mkdir(folder, { mode: 0o755 });
    else if (!stat.isDirectory())
      throw new Problem('invalid', `the source holds ${path}, but a folder of that path is a link or a file`);
  }
}

async function replaceUnlessFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
    if ((await lstat(path)).isDirectory()) return;
    await rm(path);
    await mkdir(path, { mode: 0o755 });
  }
}

async function writeFile(
  path: string,
  header: TarHeader,
  body: AsyncIterable<Uint8Array>,
  room: SpaceGuard,
): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      await room.take(chunk.length);
      await file.writeFile(chunk);
    }
    await file.chmod(header.mode & 0o7777);
  } finally {
    await file.close();
  }
}

async function linkWithin(root: string, name: string, target: string): Promise<void> {
  const path = cleanName(name);
  const source = join(root, path);
  await makeParents(root, path);
  try {
    await link(source, target);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new Problem('invalid', `the source links to ${name}, which it doesn't hold`);
  }
}

async function setTimes(path: string, header: TarHeader): Promise<void> {
  await lutimes(path, secondsOf(header), secondsOf(header));
}

function secondsOf(header: TarHeader): number {
  return header.mtime + (header.mtimeNanos ?? 0) / 1e9;
}
