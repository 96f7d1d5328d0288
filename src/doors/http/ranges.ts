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
  const spans = rangesOf(header, size);
  if (typeof spans === 'string') return spans;
  const [only, ...more] = spans;
  return only === undefined || more.length > 0 ? 'whole' : only;
}

/**
 * As `rangeOf`, with several ranges as they were asked for: lazy pulls fetch the parts of a layer that they need in one
 * request. Those beyond the end are left out. Ranges that together are longer than the whole are answered with that, as
 * the RFC advises, because they only serve to keep a server busy.
 */
export function rangesOf(header: string | undefined, size: number): ByteSpan[] | 'whole' | 'unsatisfiable' {
  const list = /^bytes=(.*)$/i.exec(header ?? '')?.[1];
  if (list === undefined) return 'whole';
  const spans: ByteSpan[] = [];
  let total = 0;
  for (const text of list.split(',')) {
    if (text.trim() === '') continue;
    const span = spanOf(text.trim(), size);
    if (span === 'invalid') return 'whole';
    if (span === 'unsatisfiable') continue;
    spans.push(span);
    total += span.end - span.start + 1;
  }
  if (spans.length === 0) return /\d/.test(list) ? 'unsatisfiable' : 'whole';
  return spans.length > 1 && total > size ? 'whole' : spans;
}

function spanOf(text: string, size: number): ByteSpan | 'invalid' | 'unsatisfiable' {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (first === '' && last === '') return 'invalid';
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
