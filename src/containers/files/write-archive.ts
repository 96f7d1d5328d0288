import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  write,
} from 'node:fs';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import type { TarHeader } from '../../images/tar/header.ts';
import { pathBytes } from '../../images/tar/path-text.ts';
import { readTar, type TarEntry } from '../../images/tar/read.ts';
import { setTimes } from '../../kernel/file-times.ts';
import { makeNode } from '../../kernel/node-file.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { makeFoldersBelow, placeBelow, selfFd } from '../../kernel/rooted.ts';
import { setXattr } from '../../kernel/xattr.ts';
import { throwIfCancelled } from '../../lib/cancelled.ts';
import { RESERVE_BYTES, SpaceGuard } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';

const writeAsync = promisify(write);

export interface ArchiveTarget {
  /** Of the container. */
  root: number;
  /** Absolute; a folder. Entries stay below it by their names, and by links below the root. */
  folder: string;
  /** Whose everything becomes; absent: whose it is in the archive. */
  owner?: { uid: number; gid: number } | undefined;
  /** A folder never takes the place of something else, nor the other way round. */
  keepKinds: boolean;
  /** Of this machine, for the free space on its disk. */
  disk: string;
}

/**
 * Unpacks an archive into a folder of a container, as `docker cp` does: what is there is replaced, folders are merged. Names
 * that lead out of the folder are refused; links lead wherever the container's own would, and never out of its root.
 * @throws Problem `invalid` for a bad archive, in docker's words
 */
export async function writeArchive(
  tar: AsyncIterable<Uint8Array>,
  target: ArchiveTarget,
  signal: AbortSignal,
): Promise<void> {
  const writer = new ArchiveWriter(target);
  for await (const entry of readTar(tar)) {
    throwIfCancelled(signal);
    await writer.add(entry);
  }
  await writer.finish();
}

class ArchiveWriter {
  readonly #target: ArchiveTarget;
  readonly #space: SpaceGuard;
  /** Their times are set at the end: what is made in them changes them. */
  readonly #folders = new Map<string, TarHeader>();

  constructor(target: ArchiveTarget) {
    this.#target = target;
    this.#space = new SpaceGuard(target.disk, RESERVE_BYTES);
  }

  async add(entry: TarEntry): Promise<void> {
    const path = this.#placeOf(entry.header.name, entry.header.name);
    if (path === this.#target.folder) return; // the folder itself stays as it is
    try {
      await this.#put(path, entry);
    } catch (error) {
      if (!hasErrorCode(error, 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG')) throw error;
      throw new Problem(
        'invalid',
        `Error processing tar file(exit status 1): ${entry.header.name}: ${reasonOf(error)}`,
        {
          hint: 'An earlier entry of the archive, or the container, has something else than a folder on that path.',
          cause: error,
        },
      );
    }
  }

  async #put(path: string, { header, body }: TarEntry): Promise<void> {
    await makeFoldersBelow(this.#target.root, posix.dirname(path), { mode: 0o755, uid: 0, gid: 0 });
    await this.#clear(path, header);
    if (header.type === 'directory') {
      await this.#at(path, (at) => makeFolder(at));
      this.#folders.set(path, header);
      return;
    }
    if (header.type === 'file') await this.#file(path, header, body);
    else if (header.type === 'hardlink') await this.#hardLink(path, header);
    else await this.#at(path, (at) => makeSpecial(at, header));
    if (header.type !== 'hardlink') await this.#at(path, (at) => this.#finish(at, header));
  }

  /** Where an entry goes: below the folder, by its words. */
  #placeOf(name: string, shown: string): string {
    const { folder } = this.#target;
    const path = posix.join(folder, name).replace(/(?<=.)\/$/, '');
    const below = folder === '/' ? '/' : `${folder}/`;
    const clean = posix.normalize(name);
    if ((path === folder || path.startsWith(below)) && clean !== '..' && !clean.startsWith('../')) return path;
    throw new Problem('invalid', `Error processing tar file(exit status 1): "${shown}" is outside of "${folder}"`);
  }

  async #clear(path: string, { type }: TarHeader): Promise<void> {
    await this.#at(path, async (at) => {
      const there = lstatSync(at, { throwIfNoEntry: false });
      if (there === undefined) return;
      const isFolder = type === 'directory';
      if (there.isDirectory() === isFolder && isFolder) return;
      if (this.#target.keepKinds && there.isDirectory() !== isFolder) {
        throw new Problem('invalid', refusedKind(path, this.#target.folder, isFolder));
      }
      await removeTree(at.toString());
      for (const folder of [...this.#folders.keys()]) {
        if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder);
      }
    });
  }

  async #file(path: string, { mode }: TarHeader, body: AsyncIterable<Uint8Array>): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = await this.#at(path, (at) => openSync(at, flags, 0o600));
    try {
      for await (const chunk of body) {
        await this.#space.take(chunk.length);
        for (let at = 0; at < chunk.length; ) {
          at += (await writeAsync(fd, chunk, at, chunk.length - at)).bytesWritten;
        }
      }
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
  }

  async #hardLink(path: string, { linkname = '', name }: TarHeader): Promise<void> {
    const source = this.#placeOf(linkname, linkname);
    try {
      await this.#at(source, (from) => this.#at(path, (to) => linkSync(from, to)));
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EPERM', 'EXDEV')) throw error;
      throw new Problem('invalid', `Error processing tar file(exit status 1): link ${source} ${path}: no such file`, {
        hint: `${name} is a hard link to a file that the archive has not brought.`,
        cause: error,
      });
    }
  }

  /** Owner before mode, which chown takes set-user-id from; attributes after both. */
  #finish(at: Buffer, header: TarHeader): void {
    const { uid, gid } = this.#target.owner ?? header;
    const place = openSync(at, O_PATH | constants.O_NOFOLLOW);
    try {
      lchownSync(at, uid, gid);
      // by the descriptor: chmod follows links, also one that the container has just put there
      if (!fstatSync(place).isSymbolicLink()) chmodSync(selfFd(place), header.mode & 0o7777);
    } finally {
      closeSync(place);
    }
    for (const [name, value] of header.xattrs ?? []) setAttribute(at, name, value);
    const time = BigInt(header.mtime) * 1_000_000_000n + BigInt(header.mtimeNanos ?? 0);
    setTimes(at, time, time);
  }

  /** Deepest first. */
  async finish(): Promise<void> {
    const folders = [...this.#folders].sort(([a], [b]) => b.length - a.length);
    for (const [path, header] of folders) await this.#at(path, (at) => this.#finish(at, header));
  }

  async #at<T>(path: string, use: (at: Buffer) => T | Promise<T>): Promise<T> {
    return await placeBelow(this.#target.root, path, (safe) => use(pathBytes(safe)));
  }
}

function makeFolder(at: Buffer): void {
  try {
    mkdirSync(at, 0o755);
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
}

function makeSpecial(at: Buffer, { type, linkname = '', mode, devmajor = 0, devminor = 0 }: TarHeader): void {
  if (type === 'symlink') symlinkSync(pathBytes(linkname), at);
  else if (type === 'fifo') makeNode(at, 'fifo', mode);
  else makeNode(at, type === 'char-device' ? 'character' : 'block', mode, devmajor, devminor);
}

/** Those that a file system doesn't take are left out, as docker leaves them out. */
function setAttribute(at: Buffer, name: string, value: Uint8Array): void {
  if (name !== 'security.capability' && !name.startsWith('user.')) return;
  try {
    setXattr(at, name, Buffer.from(value));
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTSUP', 'EPERM', 'EOPNOTSUPP')) throw error;
  }
}

function reasonOf(error: unknown): string {
  if (hasErrorCode(error, 'ELOOP')) return 'too many levels of symbolic links';
  return hasErrorCode(error, 'ENOTDIR') ? 'not a directory' : 'file name too long';
}

function refusedKind(path: string, folder: string, isFolder: boolean): string {
  const [old, other] = isFolder ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
  return `Error processing tar file(exit status 1): cannot overwrite ${old} "${path}" with ${other} "${folder}"`;
}
