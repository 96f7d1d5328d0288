import { hasErrorCode, Problem } from '../lib/problem.ts';
import { callAsync } from './libc.ts';

/** Some ten milliseconds: so often whoever waits can call it off. */
const PIECE = 32 << 20;

/**
 * Copies bytes from within a file into another one, without a way through this process (copy_file_range(2)); by
 * reference where the file system shares blocks.
 * @param start where in the other file the first byte goes
 * @param piece asked before each piece; what it throws ends the copy
 * @returns false when the kernel can't, and nothing was written
 * @throws SystemCallError; Problem `invalid` when the file ends early
 */
export async function copyRange(
  from: { fd: number; at: number },
  to: number,
  length: number,
  piece: (bytes: number) => Promise<void>,
  start = 0,
): Promise<boolean> {
  const [fromAt, toAt] = [Buffer.alloc(8), Buffer.alloc(8)];
  for (let done = 0; done < length; ) {
    const wanted = Math.min(PIECE, length - done);
    await piece(wanted);
    fromAt.writeBigInt64LE(BigInt(from.at + done));
    toAt.writeBigInt64LE(BigInt(start + done));
    let count: number;
    try {
      count = await callAsync('copy_file_range', `fd ${from.fd}`, from.fd, fromAt, to, toAt, wanted, 0);
    } catch (error) {
      if (done === 0 && hasErrorCode(error, 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP')) return false;
      throw error;
    }
    if (count === 0) throw new Problem('invalid', `truncated: the file ends ${length - done} bytes early`);
    done += count;
  }
  return true;
}
