/** Inclusive byte positions. */
export interface ByteSpan {
  start: number;
  end: number;
}

/**
 * What a `Range` header asks of `size` bytes (RFC 9110, section 14). `whole`: no header, another unit, several ranges (one
 * answer with everything is always allowed), or a text that isn't a range, which has to be ignored. `unsatisfiable`: to be
 * answered with 416 and `Content-Range: bytes *\/SIZE`. A reversed range counts as that too: clients that send one have
 * miscounted, and the whole blob is not what they can use.
 */
export function rangeOf(header: string | undefined, size: number): ByteSpan | 'whole' | 'unsatisfiable' {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? '');
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}

/** `bytes 0-9/100`. */
export function contentRange(span: ByteSpan, size: number): string {
  return `bytes ${span.start}-${span.end}/${size}`;
}
