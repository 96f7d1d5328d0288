import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasErrorCode } from '../lib/problem.ts';
import { addressOf, call, cString } from './libc.ts';
import { O_PATH } from './openat2.ts';
import { selfFd } from './rooted.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/**
 * A socket on which runc hands over the master of a container's terminal (`--console-socket`). Node can't receive
 * descriptors. Nothing waits here: runc has sent it before it says that the program runs.
 */
export class ConsoleSocket {
  readonly #fd: number;

  /** @param path of any length in a folder that is ours alone; the file stays until somebody removes the folder */
  constructor(path: string) {
    this.#fd = call('socket', path, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // sockaddr_un holds 108 bytes (unix(7)), so the folder is named by a descriptor
    const folder = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
    try {
      const name = cString(`${selfFd(folder)}/${basename(path)}`);
      const address = Buffer.concat([Buffer.of(AF_UNIX, 0), name]);
      call('bind', path, this.#fd, address, address.length);
      call('listen', path, this.#fd, 1);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    } finally {
      closeSync(folder);
    }
  }

  /** The descriptor that came, the caller's to close; undefined when none came. */
  take(): number | undefined {
    try {
      const connection = call('accept4', 'console socket', this.#fd, null, null, SOCK_CLOEXEC);
      try {
        return receive(connection);
      } finally {
        closeSync(connection);
      }
    } catch (error) {
      if (hasErrorCode(error, 'EAGAIN')) return undefined;
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Places of the parts within one buffer: `struct msghdr` (56 bytes with 64-bit pointers), one iovec, text, control data. */
const IOVEC = 64;
const TEXT = 128;
const TEXT_BYTES = 1024;
const CONTROL = TEXT + TEXT_BYTES;
/** One cmsghdr of 16 bytes and one descriptor, aligned. */
const CONTROL_BYTES = 24;

/** recvmsg(2), cmsg(3). */
function receive(connection: number): number | undefined {
  const parts = Buffer.alloc(4096);
  const base = addressOf(parts);
  parts.writeBigUInt64LE(base + BigInt(IOVEC), 16);
  parts.writeBigUInt64LE(1n, 24);
  parts.writeBigUInt64LE(base + BigInt(CONTROL), 32);
  parts.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
  parts.writeBigUInt64LE(base + BigInt(TEXT), IOVEC);
  parts.writeBigUInt64LE(BigInt(TEXT_BYTES), IOVEC + 8);
  call('recvmsg', 'console socket', connection, parts, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const [length, level, type] = [
    parts.readBigUInt64LE(CONTROL),
    parts.readInt32LE(CONTROL + 8),
    parts.readInt32LE(CONTROL + 12),
  ];
  const isDescriptor =
    parts.readBigUInt64LE(40) >= 20n && length === 20n && level === SOL_SOCKET && type === SCM_RIGHTS;
  return isDescriptor ? parts.readInt32LE(CONTROL + 16) : undefined;
}
