import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { LendingReadable } from '../../lib/lending-readable.ts';
import { Problem } from '../../lib/problem.ts';
import type { ByteRange } from '../../stores/content/content.ts';

/** Reads of this size cost as little CPU per byte as sendfile does; small blobs take what they need. */
const READ_BYTES = 1 << 20;

/**
 * What all files that are being read may hold together, twice at the most. Where more are open than have such reads, as
 * when a thousand clients on slow lines each take a layer, each gets less.
 */
const READ_BYTES_OF_ALL = 32 << 20;
const SMALLEST_READ = 64 * 1024;

let open = 0;

function readBytes(): number {
  return Math.min(READ_BYTES, Math.max(SMALLEST_READ, Math.floor(READ_BYTES_OF_ALL / Math.max(1, open))));
}

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
    open++;
    const stream = new LendingReadable(handle, { start, length: end - start + 1, readBytes: readBytes() });
    stream.once('close', () => open--);
    return stream;
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
