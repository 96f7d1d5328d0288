import { closeSync, constants, openSync, readSync } from 'node:fs';
import { cutPiece, LONGEST, WHOLE_FILE } from '../../stores/sources/cut-pieces.ts';

const BUFFER = 8 * LONGEST;

/**
 * A file as its pieces, one after the other; each is good until the next is asked for. Calls block, because most files are
 * small: a turn of the thread pool costs more than they do.
 * @throws Node's ENOENT and others; ELOOP for a link
 */
export function* readPieces(file: string): Generator<Buffer> {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    let buffer = Buffer.allocUnsafe(WHOLE_FILE + 1);
    let end = fill(fd, buffer, 0);
    if (end <= WHOLE_FILE) {
      if (end > 0) yield buffer.subarray(0, end);
      return;
    }
    const begun = buffer;
    buffer = Buffer.allocUnsafe(BUFFER);
    begun.copy(buffer);
    end = fill(fd, buffer, end);
    for (let start = 0; start < end; ) {
      const cut = cutPiece(buffer, start, end);
      yield buffer.subarray(start, cut);
      start = cut;
      if (end - start >= LONGEST || end < buffer.length) continue;
      buffer.copyWithin(0, start, end);
      end = fill(fd, buffer, end - start);
      start = 0;
    }
  } finally {
    closeSync(fd);
  }
}

/** @returns where the bytes end: before the end of the buffer only when the file has no more */
function fill(fd: number, buffer: Buffer, from: number): number {
  let end = from;
  while (end < buffer.length) {
    const count = readSync(fd, buffer, end, buffer.length - end, null);
    if (count === 0) break;
    end += count;
  }
  return end;
}
