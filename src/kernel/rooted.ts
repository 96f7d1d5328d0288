import {
  type BigIntStats,
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  type ReadStream,
} from 'node:fs';
import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { hasErrorCode } from '../lib/problem.ts';
import { O_PATH, openInRoot, readLinkOf } from './openat2.ts';
import { SystemCallError } from './system-call-error.ts';

/**
 * Files below a folder that somebody else may change at any moment: a workspace that a parallel step writes, a context, an
 * unpacked image. Every path is resolved by the kernel with that folder as "/", so that no link and no `..` leads out of
 * it, and what is done afterwards is done to the descriptor and not to the name again. Plain node:fs in its place read
 * the host's /etc/passwd through a link that was swapped in (tried).
 *
 * `root` is a path that we own (trusted) or a descriptor of the folder; paths may begin with "/" or not.
 */
export type Root = string | number;

/**
 * @returns a descriptor for node:fs, to be closed by the caller; O_NONBLOCK is set, so a FIFO gives nothing, at once
 * @throws SystemCallError `EINVAL` for a device, which a container may make but must not get us to open
 */
export function openBelow(root: Root, path: string | Buffer, flags: number = constants.O_RDONLY, mode = 0): number {
  return withRoot(root, (folder) => openInRoot(folder, path, flags, mode));
}

/** Follows links, inside the root. @throws SystemCallError `ENOENT`, `ELOOP`, `ENOTDIR` */
export function statBelow(root: Root, path: string | Buffer): BigIntStats {
  return withFd(openBelow(root, path, O_PATH), (fd) => fstatSync(fd, { bigint: true }));
}

/** Of the link itself, when the last component is one. */
export function lstatBelow(root: Root, path: string | Buffer): BigIntStats {
  return withFd(openBelow(root, path, O_PATH | constants.O_NOFOLLOW), (fd) => fstatSync(fd, { bigint: true }));
}

/** As `lstatBelow`, but undefined when there is no such file. */
export function lstatBelowIfThere(root: Root, path: string | Buffer): BigIntStats | undefined {
  try {
    return lstatBelow(root, path);
  } catch (error) {
    if (error instanceof SystemCallError && ['ENOENT', 'ENOTDIR'].includes(error.code)) return undefined;
    throw error;
  }
}

export function readlinkBelow(root: Root, path: string | Buffer): string {
  return withFd(openBelow(root, path, O_PATH | constants.O_NOFOLLOW), (fd) => readLinkOf(fd).toString('utf8'));
}

/** Names in the folder, sorted by their UTF-16 units as `sort()` does, so that results do not depend on the disk. */
export async function readdirBelow(root: Root, path: string | Buffer): Promise<string[]> {
  const fd = openBelow(root, path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return (await readdir(selfFd(fd))).sort();
  } finally {
    closeSync(fd);
  }
}

/**
 * A small file as a whole. @throws SystemCallError; `EFBIG` when it is longer than `maxBytes`, `EINVAL` when it is no
 * regular file (a device would never end)
 */
export async function readFileBelow(root: Root, path: string | Buffer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of streamBelow(root, path) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new SystemCallError('read', 27, String(path));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The bytes of a regular file; the descriptor is closed with the stream. @throws SystemCallError `EINVAL` for others */
export function streamBelow(root: Root, path: string | Buffer): ReadStream {
  const fd = openBelow(root, path);
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw new SystemCallError('read', 22, String(path));
  }
  return createReadStream('', { fd, autoClose: true });
}

/**
 * Gives a path that stays below the root while `use` runs, for every call of node:fs or of this room that takes the *last*
 * component as it is: lstat, lchown, mkdir, symlink, link, rename, unlink, mknod, lsetxattr, utimensat. Its folder is an
 * open descriptor, so nobody can swap it; calls that follow links (open, stat, chmod) are not safe with it.
 */
export async function placeBelow<T>(root: Root, path: string, use: (safe: string) => T | Promise<T>): Promise<T> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || name === '..') throw new SystemCallError('place', 22, path);
  const fd = openBelow(root, parts.join('/'), O_PATH | constants.O_DIRECTORY);
  try {
    return await use(`${selfFd(fd)}/${name}`);
  } finally {
    closeSync(fd);
  }
}

export interface NewFolder {
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Makes the folder and what is missing above it, as `mkdir -p`; a link on the way is followed inside the root. Folders
 * that were there keep mode and owner. @returns how many were made @throws SystemCallError `ENOTDIR`
 */
export async function makeFoldersBelow(root: Root, path: string, folder: NewFolder): Promise<number> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  let made = 0;
  let fd = openBelow(root, '', O_PATH | constants.O_DIRECTORY);
  try {
    for (let index = 0; index < parts.length; index++) {
      const upTo = parts.slice(0, index + 1).join('/');
      let next: number;
      try {
        next = openBelow(root, upTo, O_PATH | constants.O_DIRECTORY);
      } catch (error) {
        if (!(error instanceof SystemCallError && error.code === 'ENOENT')) throw error;
        next = await makeFolderIn(fd, parts[index] ?? '', folder);
        made++;
      }
      closeSync(fd);
      fd = next;
    }
    return made;
  } finally {
    closeSync(fd);
  }
}

/** @returns a descriptor of it; one that somebody else made meanwhile is as good */
async function makeFolderIn(parent: number, name: string, { mode, uid, gid }: NewFolder): Promise<number> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  try {
    await mkdir(`${selfFd(parent)}/${name}`, mode);
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return openInRoot(parent, name, flags);
    throw error;
  }
  const fd = openInRoot(parent, name, flags);
  try {
    await chown(selfFd(fd), uid, gid);
    await chmod(selfFd(fd), mode); // mkdir's mode goes through the umask
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The name by which every call that takes a path reaches an open descriptor. */
export function selfFd(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function withRoot<T>(root: Root, use: (folder: number) => T): T {
  if (typeof root === 'number') return use(root);
  return withFd(openSync(root, O_PATH | constants.O_DIRECTORY), use);
}

function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
