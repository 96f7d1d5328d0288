import { createHash } from 'node:crypto';

/** SHA-256 of a piece's bytes, base64url. */
export type PieceId = string;

export const PIECE_ID_LENGTH = 43;
/** No piece is longer; a list is a piece, too. */
export const MAX_PIECE = 1 << 20;

export function pieceIdOf(bytes: Uint8Array): PieceId {
  return createHash('sha256').update(bytes).digest('base64url');
}

export function isPieceId(text: unknown): text is PieceId {
  return typeof text === 'string' && /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** Several in one text, as lists have them. @returns undefined when it is no such text */
export function splitPieceIds(text: string): PieceId[] | undefined {
  if (text.length % PIECE_ID_LENGTH !== 0 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  return Array.from({ length: text.length / PIECE_ID_LENGTH }, (_, i) =>
    text.slice(i * PIECE_ID_LENGTH, (i + 1) * PIECE_ID_LENGTH),
  );
}
