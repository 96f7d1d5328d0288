import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
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
  return await unpackEntries(readTar(stream), root, signal, reserve);
}

/** An entry of an archive of any kind. */
export interface ArchiveEntry {
  header: TarHeader;
  body: AsyncIterable<Uint8Array>;
}

/** As `unpackTar`, of any archive. */
export async function unpackEntries(
  entries: AsyncIterable<ArchiveEntry>,
  root: string,
  signal: AbortSignal,
  reserve = RESERVE_BYTES,
): Promise<number> {
  try {
    return await unpackAll(entries, root, signal, new SpaceGuard(root, reserve));
  } catch (error) {
    throw diskProblem(error, root);
  }
}

async function unpackAll(
  entries: AsyncIterable<ArchiveEntry>,
  root: string,
  signal: AbortSignal,
  room: SpaceGuard,
): Promise<number> {
  const folders = new Map<string, TarHeader>();
  const places = new Places(root);
  let count = 0;
  for await (const { header, body } of entries) {
    signal.throwIfAborted();
    const path = cleanName(header.name);
    if (path === '') continue;
    if (++count > MAX_ENTRIES) throw new Problem('invalid', `the source has more than ${MAX_ENTRIES} entries`);
    const target = join(root, path);
    places.makeParents(path);
    if (header.type === 'directory') {
      places.makeFolder(path);
      folders.set(path, header);
      continue;
    }
    if (header.type === 'file') await writeFile(places, path, header, body, room);
    else if (header.type === 'symlink') places.make(path, () => symlinkSync(header.linkname ?? '', target));
    else if (header.type === 'hardlink') {
      const source = cleanName(header.linkname ?? '');
      places.makeParents(source);
      places.make(path, () => linkWithin(join(root, source), header.linkname ?? '', target));
    } else throw new Problem('invalid', `the source holds ${path}, which is neither file, folder nor link`);
    if (header.type === 'symlink') lutimesSync(target, secondsOf(header), secondsOf(header));
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

/**
 * Makes what an archive holds, without a turn of the thread pool for each of its many small entries. Folders that were seen to
 * be folders are not looked at again, until something is put in the place of something else.
 */
class Places {
  readonly root: string;
  readonly #folders = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /** @throws Problem `invalid` when a folder above is a link or a file */
  makeParents(path: string): void {
    const above = dirname(path);
    if (above === '.' || this.#folders.has(above)) return;
    this.makeParents(above);
    const folder = join(this.root, above);
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) mkdirSync(folder, { mode: 0o755 });
    else if (!stat.isDirectory())
      throw new Problem('invalid', `the source holds ${path}, but a folder of that path is a link or a file`);
    this.#folders.add(above);
  }

  makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    const folder = join(this.root, path);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      this.make(path, () => mkdirSync(folder, { mode: 0o755 }));
    this.#folders.add(path);
  }

  /** What an earlier entry put there goes. @param making fails when there is something */
  make<T>(path: string, making: () => T): T {
    try {
      return making();
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error;
      rmSync(join(this.root, path), { recursive: true, force: true });
      this.#folders.clear();
      return making();
    }
  }
}

async function writeFile(
  places: Places,
  path: string,
  header: TarHeader,
  body: AsyncIterable<Uint8Array>,
  room: SpaceGuard,
): Promise<void> {
  const target = join(places.root, path);
  const fd = places.make(path, () => openSync(target, 'wx', 0o600));
  try {
    for await (const chunk of body) {
      await room.take(chunk.length);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
    fchmodSync(fd, header.mode & 0o7777);
    futimesSync(fd, secondsOf(header), secondsOf(header));
  } finally {
    closeSync(fd);
  }
}

function linkWithin(source: string, name: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new Problem('invalid', `the source links to ${name}, which it doesn't hold`);
  }
}

function secondsOf(header: TarHeader): number {
  return header.mtime + (header.mtimeNanos ?? 0) / 1e9;
}
