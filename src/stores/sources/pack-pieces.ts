import { Problem } from '../../lib/problem.ts';
import { MAX_PIECE, type PieceId, pieceIdOf } from './piece.ts';

/** Bytes of pieces in one pack at most; and how many pieces. */
export const MAX_PACK = 64 << 20;
export const MAX_PACK_PIECES = 100_000;
const LENGTH_BYTES = 4;

export interface PackedPiece {
  piece: PieceId;
  at: number;
  size: number;
}

/** How a pack travels: the length of every piece before it, 4 bytes, the highest first. */
export function frame(piece: Uint8Array): Uint8Array[] {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(piece.length);
  return [length, piece];
}

/**
 * The pieces of a pack on its way, without their lengths: what they are is measured here, whatever the sender thinks.
 * @param found is told of each
 * @throws Problem `invalid` for what is no pack
 */
export async function* unframe(
  source: AsyncIterable<Uint8Array>,
  found: (piece: PackedPiece) => void,
): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  // so many bytes have to be there before anything can be done: pieces are put together once, not with every chunk
  let needed = LENGTH_BYTES;
  let at = 0;
  let pieces = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < needed) continue;
    let rest = Buffer.concat(waiting, length);
    for (;;) {
      needed = LENGTH_BYTES;
      if (rest.length < needed) break;
      const size = rest.readUInt32BE(0);
      if (size > MAX_PIECE)
        throw new Problem('invalid', `a pack holds a piece of ${size} bytes; ${MAX_PIECE} are allowed`);
      needed += size;
      if (rest.length < needed) break;
      const piece = rest.subarray(LENGTH_BYTES, needed);
      rest = rest.subarray(needed);
      if (at + size > MAX_PACK || ++pieces > MAX_PACK_PIECES)
        throw new Problem('invalid', `a pack holds more than ${MAX_PACK} bytes or ${MAX_PACK_PIECES} pieces`);
      found({ piece: pieceIdOf(piece), at, size });
      at += size;
      if (size > 0) yield piece;
    }
    waiting = [rest];
    length = rest.length;
  }
  if (length > 0) throw new Problem('invalid', 'a pack ends in the middle of a piece');
}
