import { constants } from 'node:fs';
import { call, cString } from './libc.ts';

export type NodeKind = 'fifo' | 'character' | 'block';

const KINDS: Record<NodeKind, number> = {
  fifo: constants.S_IFIFO,
  character: constants.S_IFCHR,
  block: constants.S_IFBLK,
};

/** mknod(2). The mode goes through this process's umask, so that a caller who wants it exactly sets it again. */
export function makeNode(path: string | Buffer, kind: NodeKind, mode: number, major = 0, minor = 0): void {
  call('mknod', String(path), cString(path), KINDS[kind] | (mode & 0o7777), deviceNumber(major, minor));
}

/** The way overlayfs says "removed": a character device 0:0 (kernel documentation, overlayfs, "whiteouts"). */
export function makeWhiteout(path: string | Buffer): void {
  makeNode(path, 'character', 0);
}

/** As makedev(3) of glibc and musl: the low parts keep their old place, the high parts follow. */
export function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}

/** The two halves of `rdev` as stat gives it. */
export function deviceParts(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 32n) & 0xfffff000n) | ((rdev >> 8n) & 0xfffn)),
    minor: Number(((rdev >> 12n) & 0xffffff00n) | (rdev & 0xffn)),
  };
}
