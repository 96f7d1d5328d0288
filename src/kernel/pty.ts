import { constants } from 'node:fs';
import { call } from './libc.ts';

/** asm-generic/ioctls.h, which x86-64 and arm64 share. */
const TIOCSWINSZ = 0x5414;
const TIOCGPTPEER = 0x5441;
const F_DUPFD_CLOEXEC = 1030;
const O_CLOEXEC = 0o2000000;

/**
 * The other side of a pseudo terminal's master (pty(7)), wherever its /dev/pts is mounted (Linux 4.13). As long as somebody
 * has it open, the terminal is not hung up for want of users.
 */
export function openPeer(master: number): number {
  return call('ioctlNumber', 'terminal', master, TIOCGPTPEER, constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
}

/** Another descriptor of the same open file. */
export function duplicate(fd: number): number {
  return call('fcntl', `fd ${fd}`, fd, F_DUPFD_CLOEXEC, 0);
}

/** The programs on it get SIGWINCH. */
export function setTerminalSize(fd: number, size: { rows: number; columns: number }): void {
  const winsize = Buffer.alloc(8);
  winsize.writeUInt16LE(clamp(size.rows), 0);
  winsize.writeUInt16LE(clamp(size.columns), 2);
  call('ioctl', 'terminal', fd, TIOCSWINSZ, winsize);
}

function clamp(count: number): number {
  return Math.min(Math.max(0, Math.trunc(count)), 0xffff);
}
