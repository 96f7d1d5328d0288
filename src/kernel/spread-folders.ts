import { closeSync, constants, openSync } from 'node:fs';
import { hasErrorCode } from '../lib/problem.ts';
import { call } from './libc.ts';

/** linux/fs.h; the kernel reads and writes 32 bits, whatever the `long` in their names says. */
const FS_IOC_GETFLAGS = 0x80086601n;
const FS_IOC_SETFLAGS = 0x40086602n;
const FS_TOPDIR_FL = 0x20000;

/**
 * Asks the file system to put every new folder of this one into a part of the disk of its own (chattr(1), `T`): for trees
 * that come and go as a whole. ext4 otherwise makes them all in one part, where without a journal every new file first
 * looks past all inodes that were deleted in the last minutes, and where two trees that are made at once wait for each
 * other. A file system that knows no such thing is left as it is.
 */
export function spreadFolders(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const flags = Buffer.alloc(8);
    call('ioctl', path, fd, FS_IOC_GETFLAGS, flags);
    const wanted = flags.readUInt32LE(0) | FS_TOPDIR_FL;
    if (wanted === flags.readUInt32LE(0)) return;
    flags.writeUInt32LE(wanted, 0);
    call('ioctl', path, fd, FS_IOC_SETFLAGS, flags);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTTY', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EPERM')) throw error;
  } finally {
    closeSync(fd);
  }
}
