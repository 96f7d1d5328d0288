/**
 * Linux names are bytes; ours are strings. A byte that is no part of valid UTF-8 becomes a lone surrogate (U+DC80 to
 * U+DCFF, as Python's PEP 383 does it), so that every name survives the way from tar to tar and can be compared as text.
 * Whoever hands such a name to the file system must pass `pathBytes(name)`, not the string.
 */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ESCAPED = /[\uDC80-\uDCFF]/;

export function pathText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return escapeInvalid(bytes);
  }
}

export function pathBytes(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  // Iterating by code point keeps proper surrogate pairs together; only lone ones are escapes.
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** Byte by byte: the longest valid sequence at each place is text, anything else is escaped. */
function escapeInvalid(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const piece = length === 0 ? undefined : decodePiece(bytes.subarray(at, at + length), length);
    if (piece === undefined) text += String.fromCharCode(0xdc00 + (bytes[at++] ?? 0));
    else {
      text += piece;
      at += length;
    }
  }
  return text;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

function decodePiece(piece: Uint8Array, length: number): string | undefined {
  if (piece.length < length) return undefined;
  try {
    return strict.decode(piece);
  } catch {
    return undefined;
  }
}
