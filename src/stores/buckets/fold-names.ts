import type { BucketObject, ObjectFilter, ObjectPage } from './buckets.ts';

/** Names in byte order within bounds: `from` is inclusive, `after` and `before` are not. */
export interface NameSpan {
  from?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
  limit: number;
}

/** Rows read for one turn; a folder that fills it is then jumped over. */
const ROWS_PER_TURN = 1000;

/**
 * One page of a listing, out of sorted rows: names that hold the delimiter behind the prefix are folded to what comes
 * before it. Only as many rows as the page needs are read, however many objects a folded folder has.
 */
export async function foldNames(
  filter: ObjectFilter,
  rows: (span: NameSpan) => Promise<BucketObject[]>,
): Promise<ObjectPage> {
  const { prefix = '', delimiter, after, limit } = filter;
  const objects: BucketObject[] = [];
  const prefixes: string[] = [];
  const folded = (name: string): string | undefined => {
    if (delimiter === undefined || delimiter === '') return undefined;
    const at = name.indexOf(delimiter, prefix.length);
    return at < 0 ? undefined : name.slice(0, at + delimiter.length);
  };
  let span: NameSpan = { from: prefix, before: textBehind(prefix), limit: 0 };
  if (after !== undefined) {
    const isFolder = after.startsWith(prefix) && folded(after) === after;
    span = isFolder ? behindFolder(span, after) : { ...span, after };
  }
  let last: string | undefined;
  while (true) {
    const wanted = Math.min(ROWS_PER_TURN, limit - objects.length - prefixes.length + 1);
    const page = await rows({ ...span, limit: wanted });
    for (const object of page) {
      const folder = folded(object.name);
      if (folder !== undefined && folder === prefixes.at(-1)) continue;
      if (objects.length + prefixes.length === limit) return { objects, prefixes, next: last };
      last = folder ?? object.name;
      if (folder === undefined) objects.push(object);
      else prefixes.push(folder);
    }
    const end = page.at(-1);
    if (end === undefined || page.length < wanted) return { objects, prefixes };
    const folder = folded(end.name);
    span = folder === undefined ? { ...span, after: end.name } : behindFolder(span, folder);
  }
}

/** A folder's last name has no upper bound of its own only where nothing can follow it: then the span is empty. */
function behindFolder(span: NameSpan, folder: string): NameSpan {
  const from = textBehind(folder);
  return from === undefined ? { ...span, before: '' } : { ...span, from, after: undefined };
}

/**
 * The first text, in the byte order of UTF-8, behind all that begin with `prefix`: its last code point made one larger.
 * Undefined when there is none, as for the empty prefix.
 */
export function textBehind(prefix: string): string | undefined {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) as number;
    if (point === 0x10ffff) continue;
    // the surrogates are no characters: what follows U+D7FF is U+E000
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}
