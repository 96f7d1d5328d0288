import { closeSync, constants, openSync } from 'node:fs';
import { call } from './libc.ts';

/** asm-generic/ioctls.h, which x86-64 and arm64 share. */
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const O_CLOEXEC = 0o2000000;

/** A pseudo terminal (pty(7)); both descriptors are the caller's to close. */
export interface Pty {
  /** The end of whoever looks at the terminal and types. Gives `EIO` when the other side has been closed by all. */
  master: number;
  /** The end that is a program's terminal. */
  slave: number;
}

/**
 * Opens a pseudo terminal that changes no byte on its way: no echo, no line editing, no signals for ^C. It connects two
 * programs of which one holds a terminal of its own.
 *
 * The slave is opened by the master (TIOCGPTPEER, Linux 4.13) and not by its name, which means another one where /dev/pts
 * is mounted twice.
 * @throws SystemCallError
 */
export function openRawPty(size: { rows: number; columns: number }): Pty {
  const flags = constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC;
  const opened = [openSync('/dev/ptmx', flags)] as [number, ...number[]];
  const [master] = opened;
  try {
    call('ioctl', '/dev/ptmx', master, TIOCSPTLCK, Buffer.alloc(4));
    const slave = call('ioctlNumber', '/dev/ptmx', master, TIOCGPTPEER, flags);
    opened.push(slave);
    makeRaw(slave);
    setTerminalSize(master, size);
    return { master, slave };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

/** Tells the programs on the other side nothing; runc has to be told by SIGWINCH. */
export function setTerminalSize(fd: number, size: { rows: number; columns: number }): void {
  const winsize = Buffer.alloc(8);
  winsize.writeUInt16LE(clamp(size.rows), 0);
  winsize.writeUInt16LE(clamp(size.columns), 2);
  call('ioctl', 'terminal', fd, TIOCSWINSZ, winsize);
}

function clamp(count: number): number {
  return Math.min(Math.max(0, Math.trunc(count)), 0xffff);
}

const OPOST = 1;
const ONLCR = 4;
const CS8_CREAD_MASK = 0x30 | 0x80;
const CSIZE_PARENB = 0x30 | 0x100;
const CONTROL_CHARACTERS = 17;
const VTIME = 5;
const VMIN = 6;

/** As cfmakeraw(3): `struct termios` of the kernel is four words of flags, a byte, then the control characters. */
function makeRaw(fd: number): void {
  const termios = Buffer.alloc(64);
  call('ioctl', 'terminal', fd, TCGETS, termios);
  termios.writeUInt32LE(0, 0); // input
  termios.writeUInt32LE(OPOST | ONLCR, 4); // output
  termios.writeUInt32LE(((termios.readUInt32LE(8) & ~CSIZE_PARENB) | CS8_CREAD_MASK) >>> 0, 8);
  termios.writeUInt32LE(0, 12); // local
  termios[CONTROL_CHARACTERS + VTIME] = 0;
  termios[CONTROL_CHARACTERS + VMIN] = 1;
  call('ioctl', 'terminal', fd, TCSETS, termios);
}
