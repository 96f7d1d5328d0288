import { closeSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';

const readAsync = promisify(read);

/** Up to this size a file is read at once and in place: a visit to the thread pool costs more than the bytes. */
export const SMALL = 128 * 1024;

const CHUNK = 1 << 20;

/** From this size on a file is hashed by a thread of its own (threaded-bytes.ts) and read into buffers that take turns. */
export const HUGE = 64 << 20;

/** More than are ever under way: three wait for the hash and four for the disk, and one is being looked at. */
const RING = 10;

/**
 * The bytes of an open file, which is closed at the end, however that comes. Chunks are new buffers: the compressor still
 * holds them while the next is read.
 */
export function fileBytes(fd: number, size: number): AsyncIterable<Uint8Array> {
  return size <= SMALL ? smallFile(fd, size) : bigFile(fd);
}

/**
 * The same for a layer that is written: a huge file's chunks lie in shared memory, and each is overwritten by the tenth
 * behind it, because a new buffer for every megabyte costs as much in collecting garbage as in reading.
 */
export function layerFileBytes(fd: number, size: number): AsyncIterable<Uint8Array> {
  return size < HUGE ? fileBytes(fd, size) : bigFile(fd, ring());
}

function ring(): () => Buffer {
  const buffers: Buffer[] = [];
  let turn = 0;
  return () => {
    const at = turn++ % RING;
    buffers[at] ??= Buffer.from(new SharedArrayBuffer(CHUNK));
    return buffers[at];
  };
}

async function* smallFile(fd: number, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer: Buffer;
  let length = 0;
  try {
    // one byte more than expected shows a file that grew
    buffer = Buffer.allocUnsafe(size + 1);
    for (;;) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0 || length === buffer.length) break;
    }
  } finally {
    closeSync(fd);
  }
  if (length > 0) yield buffer.subarray(0, length);
}

async function* bigFile(
  fd: number,
  room: () => Buffer = () => Buffer.allocUnsafeSlow(CHUNK),
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const buffer = room();
      const { bytesRead } = await readAsync(fd, buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(fd);
  }
}
