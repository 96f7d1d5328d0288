/** A file up to this long is one piece. */
export const WHOLE_FILE = 128 << 10;
/** No cut before so many bytes, and always one after so many. */
const SHORTEST = 32 << 10;
export const LONGEST = 512 << 10;
/** A cut for one in 2^17 bytes: pieces of some 160 KiB. */
const MASK = 0x1ffff;

/** Random numbers for bytes (Gear hash); any would do, but everybody's have to be the same. */
const GEAR = gearTable();

/**
 * Where the next piece of a file ends: where the last 32 bytes look a certain way, so that bytes that were put in or taken out
 * move no cut but those beside them (content-defined chunking by Gear hash, as in Ddelta and FastCDC).
 * @param bytes at least `LONGEST` of them from `start`, unless the file ends before
 * @returns the end of the piece that begins at `start`
 */
export function cutPiece(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + LONGEST);
  let hash = 0;
  for (let at = start + SHORTEST; at < limit; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if ((hash & MASK) === 0) return at + 1;
  }
  return limit;
}

function gearTable(): Int32Array {
  const table = new Int32Array(256);
  let state = 0x9e3779b9;
  for (let byte = 0; byte < table.length; byte++) {
    // xorshift32 (Marsaglia)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    table[byte] = state;
  }
  return table;
}
