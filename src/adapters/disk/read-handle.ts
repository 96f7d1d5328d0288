import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Problem } from '../../lib/problem.ts';
import type { ByteRange } from '../../stores/content/content.ts';

/** Reads of this size cost as little CPU per byte as sendfile does; small blobs take what they need. */
const READ_BYTES = 1 << 20;

/**
 * The bytes of an open file, or the part asked for. The handle is closed with the stream, or when there is none.
 * @throws Problem `invalid` when the range begins behind the last byte
 */
export async function readHandle(handle: FileHandle, range?: ByteRange): Promise<Readable> {
  try {
    const { size } = await handle.stat();
    const { start, end } = range === undefined ? { start: 0, end: size - 1 } : cutRange(range, size);
    if (size === 0) {
      await handle.close();
      return Readable.from([]);
    }
    return handle.createReadStream({ start, end, highWaterMark: Math.min(READ_BYTES, end - start + 1) });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The part of a range that there is. @throws Problem `invalid` when there is none */
export function cutRange(range: ByteRange, size: number): ByteRange {
  const end = Math.min(range.end, size - 1);
  if (range.start >= size || end < range.start)
    throw new Problem('invalid', `bytes ${range.start}-${range.end} of a blob of ${size} bytes`);
  return { start: range.start, end };
}
