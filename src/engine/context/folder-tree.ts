import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { pathBytes, pathText } from '../../images/tar/path-text.ts';
import { deviceParts } from '../../kernel/node-file.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { baseOf, type EntryType, joinPath, parentOf } from '../trees/entry.ts';
import type { OpenFile, SourceEntry, SourceTree } from './source-tree.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

export interface FolderTreeOptions {
  /** A context's files belong to root, whoever owns them on this machine, and carry no xattrs; other trees keep both. */
  foreign: boolean;
  readXattrs?: (path: Buffer) => Record<string, Buffer> | undefined;
}

/**
 * A folder on disk as a SourceTree. Every folder is held open while its names are looked at, and names are only ever
 * resolved relative to such a handle (`/proc/self/fd/N/name`, last part not followed) or by openat2 below the root: a
 * process that swaps links meanwhile gains nothing.
 */
export class FolderTree implements SourceTree {
  readonly #root: number;
  readonly #rootPath: string;
  readonly #options: FolderTreeOptions;
  /** The folder of the file that was opened last. What is looked for anew may lie in another folder of that name. */
  #opened: { path: string; fd: number } | undefined;

  /** @throws Problem `not-found` when there is no such folder */
  constructor(folder: string, options: FolderTreeOptions) {
    this.#options = options;
    try {
      this.#rootPath = realpathSync(folder);
      this.#root = openSync(this.#rootPath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw new Problem('not-found', `unable to prepare context: path ${JSON.stringify(folder)} not found`, {
        cause: error,
      });
    }
  }

  find(path: string, followLast: boolean): SourceEntry | undefined {
    this.#closeOpened();
    if (path === '') return this.#entry('', fstatSync(this.#root, { bigint: true }), undefined);
    const real = followLast ? this.#resolve(path) : path;
    if (real === undefined) return undefined;
    if (real === '') return this.find('', false);
    const folder = this.#tryOpen(parentOf(real), O_PATH | O_DIRECTORY);
    if (folder === undefined) return undefined;
    try {
      const name = baseOf(real);
      return this.#entryIn(folder, joinPath(this.#pathOf(folder), name), name);
    } finally {
      closeSync(folder);
    }
  }

  /** The real path of what a path means, every link followed. */
  #resolve(path: string): string | undefined {
    const fd = this.#tryOpen(path, O_PATH);
    if (fd === undefined) return undefined;
    try {
      return this.#pathOf(fd);
    } finally {
      closeSync(fd);
    }
  }

  names(path: string): string[] {
    const fd = this.#tryOpen(path, O_RDONLY | O_DIRECTORY);
    if (fd === undefined) return [];
    try {
      return namesIn(fd);
    } finally {
      closeSync(fd);
    }
  }

  *walk(path: string, prune: (path: string) => boolean): Iterable<SourceEntry> {
    this.#closeOpened();
    const fd = this.#tryOpen(path, O_RDONLY | O_DIRECTORY);
    if (fd === undefined) return;
    yield* this.#walk(fd, path, prune);
  }

  *#walk(fd: number, path: string, prune: (path: string) => boolean): Iterable<SourceEntry> {
    try {
      for (const name of notTooDeep(path, () => namesIn(fd))) {
        const below = joinPath(path, name);
        const entry = this.#entryIn(fd, below, name);
        if (entry === undefined) continue;
        if (entry.type !== 'folder') {
          yield entry;
          continue;
        }
        if (prune(below)) continue;
        yield entry;
        const child = notTooDeep(below, () => openChild(fd, name));
        if (child !== undefined) yield* this.#walk(child, below, prune);
      }
    } finally {
      closeSync(fd);
    }
  }

  open(path: string): OpenFile {
    // first only the place: opening a device starts it, and a pipe would be waited for
    const place = this.#placeOf(path);
    if (place === undefined) throw new Problem('failed', `${path}: vanished while it was copied`);
    try {
      const stats = fstatSync(place, { bigint: true });
      if (!stats.isFile()) throw new Problem('failed', `${path}: changed while it was copied`);
      const fd = openSync(selfFd(place), O_RDONLY);
      return { fd, size: Number(stats.size), mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, ino: stats.ino };
    } finally {
      closeSync(place);
    }
  }

  /** Files are mostly opened folder by folder, so the last one's stays open: a path is resolved once for all that it holds. */
  #placeOf(path: string): number | undefined {
    const folder = parentOf(path);
    if (this.#opened?.path !== folder) {
      this.#closeOpened();
      const fd = this.#tryOpen(folder, O_PATH | O_DIRECTORY);
      if (fd === undefined) return undefined;
      this.#opened = { path: folder, fd };
    }
    try {
      return openSync(pathBytes(`${selfFd(this.#opened.fd)}/${baseOf(path)}`), O_PATH | O_NOFOLLOW);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  #closeOpened(): void {
    if (this.#opened !== undefined) closeSync(this.#opened.fd);
    this.#opened = undefined;
  }

  close(): void {
    this.#closeOpened();
    closeSync(this.#root);
  }

  #tryOpen(path: string, flags: number): number | undefined {
    try {
      return openBelow(this.#root, pathBytes(path), flags);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  #pathOf(fd: number): string {
    const real = pathText(readlinkSync(selfFd(fd), 'buffer'));
    return real === this.#rootPath ? '' : real.slice(this.#rootPath.length + (this.#rootPath === '/' ? 0 : 1));
  }

  #entryIn(folder: number, path: string, name: string): SourceEntry | undefined {
    const at = pathBytes(`${selfFd(folder)}/${name}`);
    try {
      return this.#entry(path, lstatSync(at, { bigint: true }), at);
    } catch (error) {
      // gone between the listing and now, or no link any more when it was to be read as one
      if (hasErrorCode(error, 'ENOENT', 'EINVAL')) return undefined;
      throw error;
    }
  }

  #entry(path: string, stats: BigIntStats, at: Buffer | undefined): SourceEntry | undefined {
    const type = typeOf(stats);
    if (type === undefined) return undefined;
    const own = this.#options.foreign ? undefined : stats;
    const entry: SourceEntry = {
      path,
      type,
      mode: Number(stats.mode) & 0o7777,
      uid: Number(own?.uid ?? 0),
      gid: Number(own?.gid ?? 0),
      size: type === 'file' ? Number(stats.size) : 0,
      mtimeNs: stats.mtimeNs,
      ctimeNs: stats.ctimeNs,
      dev: stats.dev,
      ino: stats.ino,
      links: Number(stats.nlink),
    };
    if (type === 'symlink' && at !== undefined) entry.link = pathText(readlinkSync(at, 'buffer'));
    if (type === 'char' || type === 'block') entry.device = deviceParts(stats.rdev);
    const xattrs = at === undefined ? undefined : this.#options.readXattrs?.(at);
    if (xattrs !== undefined) entry.xattrs = xattrs;
    return entry;
  }
}

/** Every folder on the way down is open; a process may not have any number of them. */
function notTooDeep<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!hasErrorCode(error, 'EMFILE', 'ENFILE')) throw error;
    throw new Problem('exhausted', `${path.slice(0, 80)}...: too many folders in each other to have them all open`, {
      hint: 'Exclude this folder in .dockerignore, or allow more open files (ulimit -n).',
      cause: error,
    });
  }
}

/** Sorted, so that a layer doesn't depend on the disk; bytes that are no UTF-8 are escaped (images/tar/path-text.ts). */
function namesIn(fd: number): string[] {
  return readdirSync(selfFd(fd), 'buffer').map(pathText).sort();
}

function openChild(folder: number, name: string): number | undefined {
  try {
    return openSync(pathBytes(`${selfFd(folder)}/${name}`), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

/** Sockets have no place in a layer: undefined. */
function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  if (stats.isFIFO()) return 'fifo';
  return undefined;
}
