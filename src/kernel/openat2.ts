import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { call, cString, SYSCALL } from './libc.ts';
import { SystemCallError } from './system-call-error.ts';

/** Resolve as if the folder were "/": `..` and absolute links end there, also when somebody swaps them meanwhile. */
const RESOLVE_IN_ROOT = 0x10;
/** /proc-style links lead anywhere, so they never count as a part of the tree. */
const RESOLVE_NO_MAGICLINKS = 0x02;
const O_CLOEXEC = 0o2000000;

/** Opens only the place, without reading rights; works for links, FIFOs and devices without waking them. */
export const O_PATH = 0o10000000;

/**
 * openat2(2) with `folder` as the root of everything. The descriptor works with all of node:fs and is closed by the caller.
 *
 * Devices are refused with `EINVAL`, and without being touched: a container may make them in its workspace (CAP_MKNOD is
 * one of docker's capabilities) and can't use them, but this process could, and opening alone starts some. So a place is
 * looked at first, and what was seen there is what is opened. O_NONBLOCK is always added: opening a FIFO that a hostile tree
 * holds would otherwise wait for ever for its other end, in the event loop. Regular files don't care.
 * @throws SystemCallError; `EEXIST` when a file is to be made where a link leads nowhere
 */
export function openInRoot(folder: number, path: string | Buffer, flags: number, mode = 0): number {
  const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW } = constants;
  // the kernel gives neither a place nor a folder a driver's attention, and what is made anew is a regular file
  if ((flags & (O_PATH | O_DIRECTORY)) !== 0) return resolveInRoot(folder, path, flags);
  if ((flags & O_EXCL) !== 0) return resolveInRoot(folder, path, flags, mode);
  for (let attempt = 0; ; attempt++) {
    try {
      return openRegular(resolveInRoot(folder, path, O_PATH | (flags & O_NOFOLLOW)), flags, path);
    } catch (error) {
      if ((flags & O_CREAT) === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      return resolveInRoot(folder, path, flags | O_EXCL, mode);
    } catch (error) {
      // somebody else made it meanwhile
      if (attempt >= 3 || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

const ELOOP = 40;
const EINVAL = 22;

/** Opens what a place stands for; the place is closed. */
function openRegular(place: number, flags: number, path: string | Buffer): number {
  try {
    const stat = fstatSync(place);
    if (stat.isSymbolicLink()) throw new SystemCallError('open', ELOOP, String(path));
    if (stat.isCharacterDevice() || stat.isBlockDevice()) throw new SystemCallError('open', EINVAL, String(path));
    const kept = flags & ~(constants.O_CREAT | constants.O_NOFOLLOW);
    return openSync(`/proc/self/fd/${place}`, kept | constants.O_NONBLOCK | constants.O_NOCTTY);
  } finally {
    closeSync(place);
  }
}

/** The call itself; `EAGAIN` is tried again here (the kernel gives it when a rename raced with `..`). */
function resolveInRoot(folder: number, path: string | Buffer, flags: number, mode = 0): number {
  const how = Buffer.alloc(24);
  const kept = (flags & O_PATH) !== 0 ? flags : flags | constants.O_NONBLOCK | constants.O_NOCTTY;
  how.writeBigUInt64LE(BigInt(kept | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
  const cPath = cString(path.length === 0 ? '.' : path);
  for (let attempt = 0; ; attempt++) {
    try {
      return call('syscallOpenat2', String(path), SYSCALL.openat2, folder, cPath, how, how.length);
    } catch (error) {
      if (attempt >= 100 || (error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** The text of the link that this O_PATH descriptor stands for. */
export function readLinkOf(fd: number): Buffer {
  const buffer = Buffer.allocUnsafe(4096); // PATH_MAX
  return buffer.subarray(0, call('readlinkat', `fd ${fd}`, fd, cString(''), buffer, buffer.length));
}
