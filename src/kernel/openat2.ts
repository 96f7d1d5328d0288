import { constants } from 'node:fs';
import { call, cString, SYSCALL } from './libc.ts';

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
 * O_NONBLOCK is always added: opening a FIFO that a hostile tree holds would otherwise wait for ever for its other end,
 * in the event loop. Regular files don't care.
 * @throws SystemCallError; `EAGAIN` is tried again here (the kernel gives it when a rename raced with `..`)
 */
export function openInRoot(folder: number, path: string | Buffer, flags: number, mode = 0): number {
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
