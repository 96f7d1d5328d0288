import { getSystemErrorMap } from 'node:util';

/**
 * A failed system call in the shape of Node's own file errors: `code` (ENOENT), `errno` (negative), `syscall`, and the
 * message `ENOENT: no such file or directory, mount '/x'`. So callers test `code` and need not know who made the call.
 */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(symbol: string, errno: number, what: string) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? OTHERS[errno] ?? [`E${errno}`, `error ${errno}`];
    const syscall = symbol.replace(/^syscall/, '').toLowerCase() || symbol;
    super(`${code}: ${text}, ${syscall} '${what}'`);
    this.name = 'SystemCallError';
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

/** Those that libuv has no name for and that our calls give. */
const OTHERS: Record<number, [code: string, text: string]> = {
  15: ['ENOTBLK', 'block device required'],
  61: ['ENODATA', 'no data available'],
  116: ['ESTALE', 'stale file handle'],
};
