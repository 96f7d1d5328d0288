import { call, cString } from './libc.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/**
 * Sets access and modification time in nanoseconds since 1970, of the link itself if it is one. Node's own lutimes takes
 * seconds as a double, which loses the last two digits of today's nanoseconds.
 */
export function setTimes(path: string | Buffer, atimeNs: bigint, mtimeNs: bigint): void {
  const times = Buffer.alloc(32);
  writeTimespec(times, 0, atimeNs);
  writeTimespec(times, 16, mtimeNs);
  call('utimensat', String(path), AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW);
}

function writeTimespec(buffer: Buffer, offset: number, ns: bigint): void {
  const billion = 1_000_000_000n;
  const rest = ((ns % billion) + billion) % billion;
  buffer.writeBigInt64LE((ns - rest) / billion, offset);
  buffer.writeBigInt64LE(rest, offset + 8);
}
