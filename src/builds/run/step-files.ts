import { type BigIntStats, closeSync, constants, createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import {
  lstatBelow,
  makeFoldersBelow,
  openBelow,
  placeBelow,
  readdirBelow,
  readFileBelow,
  selfFd,
  statBelow,
  streamBelow,
} from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { replaceFile } from '../../lib/replace-file.ts';

export interface StepFileInfo {
  kind: 'file' | 'folder' | 'other';
  size: number;
  /** Milliseconds since 1970. */
  mtimeMs: number;
}

const NEW_FOLDER = { mode: 0o755, uid: 0, gid: 0 };

/**
 * The files of a step as a native builder reaches them, by the absolute paths that the step sees (`/workspace/a`). A step
 * that runs beside this one may swap links at any moment, so nothing here goes by a plain path: whatever the links say,
 * the file lies below the folder (workspace, home, volume) that the path begins with.
 */
export class StepFiles {
  /** Path in the step -> folder on this machine, the longest path first. */
  readonly #roots: readonly [string, string][];

  constructor(roots: ReadonlyMap<string, string>) {
    this.#roots = [...roots].sort(([a], [b]) => b.length - a.length);
  }

  /** These files, and one folder more. */
  with(path: string, folder: string): StepFiles {
    return new StepFiles(new Map([...this.#roots, [path, folder]]));
  }

  /** Undefined when there is nothing. Links are followed. */
  async stat(path: string): Promise<StepFileInfo | undefined> {
    try {
      return infoOf(await this.#at(path, (root, rest) => statBelow(root, rest)));
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  /** The bytes of a regular file. @throws Problem `not-found`, `invalid` when it is no file */
  read(path: string): Promise<Readable> {
    return this.#at(path, (root, rest) => streamBelow(root, rest));
  }

  /** A small file as a whole. @throws Problem as `read`, and `invalid` when it is longer */
  async readSmall(path: string, limit: number): Promise<Buffer> {
    return this.#at(path, (root, rest) => readFileBelow(root, rest, limit));
  }

  /** A file for writing, emptied; its folders are made. @throws Problem `invalid` when a folder is in the way */
  async write(path: string): Promise<WriteStream> {
    await this.makeFolder(posix.dirname(path));
    const fd = await this.#at(path, (root, rest) =>
      openBelow(root, rest, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644),
    );
    return createWriteStream('', { fd });
  }

  /** A file of any size that is there as a whole or not at all; its folders are made. @throws Problem as `write` */
  async replace(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const folder = posix.dirname(path);
    await this.makeFolder(folder);
    await this.pinned(folder, async (pinned) => {
      try {
        await replaceFile(posix.join(pinned, posix.basename(path)), bytes);
      } catch (error) {
        throw asProblem(error, path);
      }
    });
  }

  /** What a folder holds, sorted by name; links are not followed. @throws Problem `not-found` */
  async list(path: string): Promise<{ name: string; info: StepFileInfo }[]> {
    const names = await this.#at(path, (root, rest) => readdirBelow(root, rest));
    const entries = [];
    for (const name of names) {
      try {
        const stat = await this.#at(posix.join(path, name), (root, rest) => lstatBelow(root, rest));
        entries.push({ name, info: infoOf(stat) });
      } catch (error) {
        // a parallel step removed it since the folder was read
        if (!(error instanceof Problem && error.code === 'not-found')) throw error;
      }
    }
    return entries;
  }

  async makeFolder(path: string): Promise<void> {
    await this.#at(path, (root, rest) => makeFoldersBelow(root, rest, NEW_FOLDER));
  }

  async remove(path: string): Promise<void> {
    await this.#at(path, (root, rest) => placeBelow(root, rest, (safe) => rm(safe, { force: true })));
  }

  /** A path by which the engine finds this very folder, whatever its name points to later; valid while `use` runs. */
  async pinned<T>(path: string, use: (pinned: string) => Promise<T>): Promise<T> {
    const fd = await this.#at(path, (root, rest) => openBelow(root, rest, constants.O_RDONLY | constants.O_DIRECTORY));
    try {
      return await use(selfFd(fd));
    } finally {
      closeSync(fd);
    }
  }

  async #at<T>(path: string, use: (root: string, rest: string) => T | Promise<T>): Promise<T> {
    const clean = posix.normalize(path);
    const found = this.#roots.find(([at]) => clean === at || clean.startsWith(`${at}/`));
    if (found === undefined)
      throw new Problem('not-found', `${path}: no such file or directory`, {
        hint: `A native builder sees ${this.#roots.map(([at]) => at).join(', ')} and nothing else.`,
      });
    const [at, root] = found;
    try {
      return await use(root, clean.slice(at.length + 1));
    } catch (error) {
      throw asProblem(error, path);
    }
  }
}

function asProblem(error: unknown, path: string): unknown {
  if (hasErrorCode(error, 'ENOENT', 'ENOTDIR'))
    return new Problem('not-found', `${path}: no such file or directory`, { cause: error });
  if (hasErrorCode(error, 'EISDIR')) return new Problem('invalid', `${path}: is a directory`, { cause: error });
  if (hasErrorCode(error, 'EINVAL', 'ENXIO'))
    return new Problem('invalid', `${path}: not a regular file`, { cause: error });
  if (hasErrorCode(error, 'EEXIST'))
    return new Problem('invalid', `${path}: a link that leads nowhere is in the way`, { cause: error });
  if (hasErrorCode(error, 'EFBIG')) return new Problem('invalid', `${path}: too long`, { cause: error });
  if (hasErrorCode(error, 'ELOOP')) return new Problem('invalid', `${path}: too many links`, { cause: error });
  return error;
}

function infoOf(stat: BigIntStats): StepFileInfo {
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
  return { kind, size: Number(stat.size), mtimeMs: Number(stat.mtimeMs) };
}
