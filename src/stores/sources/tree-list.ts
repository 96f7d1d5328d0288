import { Problem } from '../../lib/problem.ts';
import { isPieceId, type PieceId, splitPieceIds } from './piece.ts';

/**
 * A folder's tree as text: a line of JSON for each entry, folders before what is in them, by name in every folder. It travels
 * in lists of some hundred entries, which end where a path says so and not after a number: what is added or taken away
 * changes the list around it and no other.
 */
export type TreeEntry =
  | { kind: 'folder'; path: string; mode: number; mtime: number }
  | { kind: 'link'; path: string; target: string; mtime: number }
  | {
      kind: 'file';
      path: string;
      mode: number;
      /** Microseconds since 1970. */
      mtime: number;
      size: number;
      pieces: PieceId[];
      /** Whether `pieces` are lists of pieces: the file has too many to name them in its line. */
      nested: boolean;
    };

/** Pieces that an entry names itself. */
export const MAX_INLINE = 64;
/** Ids in a list of pieces, which is their 32 bytes each, one after the other. */
const NESTED_MASK = 0x7f;
const MAX_NESTED = 1024;
const LIST_MASK = 0x7f;
const MAX_LIST_BYTES = 64 << 10;
const MAX_PATH = 4096;

export function formatEntry(entry: TreeEntry): string {
  const { path, mtime } = entry;
  if (entry.kind === 'folder') return `${JSON.stringify(['d', path, entry.mode, mtime])}\n`;
  if (entry.kind === 'link') return `${JSON.stringify(['l', path, entry.target, mtime])}\n`;
  const { mode, size, pieces, nested } = entry;
  return `${JSON.stringify([nested ? 'F' : 'f', path, mode, mtime, size, pieces.join('')])}\n`;
}

/** Whether a list ends behind this entry. */
export function endsList(path: string, bytes: number): boolean {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return ((hash >>> 8) & LIST_MASK) === 0 || bytes >= MAX_LIST_BYTES;
}

/** Cuts the ids of a long file's pieces into lists: ends where an id says so. */
export function* nestedLists(pieces: readonly PieceId[]): Generator<Buffer> {
  let list: Buffer[] = [];
  for (const piece of pieces) {
    const id = Buffer.from(piece, 'base64url');
    list.push(id);
    if (((id[0] as number) & NESTED_MASK) !== 0 && list.length < MAX_NESTED) continue;
    yield Buffer.concat(list);
    list = [];
  }
  if (list.length > 0) yield Buffer.concat(list);
}

/** The ids of a list of pieces. @throws Problem `invalid` */
export function parseNested(bytes: Buffer): PieceId[] {
  if (bytes.length % 32 !== 0) throw new Problem('invalid', 'a list of pieces is no whole number of ids');
  return Array.from({ length: bytes.length / 32 }, (_, i) =>
    bytes.subarray(i * 32, (i + 1) * 32).toString('base64url'),
  );
}

/** @throws Problem `invalid` for what no client of ours sends, paths that lead out among it */
export function parseEntries(bytes: Buffer): TreeEntry[] {
  const text = bytes.toString('utf8');
  if (!text.endsWith('\n')) throw malformed('a list that ends in the middle of a line');
  return text.slice(0, -1).split('\n').map(parseEntry);
}

function parseEntry(line: string): TreeEntry {
  let values: unknown;
  try {
    values = JSON.parse(line);
  } catch {
    throw malformed(line);
  }
  if (!Array.isArray(values)) throw malformed(line);
  const [kind, path] = values as unknown[];
  if (typeof path !== 'string' || !isCleanPath(path))
    throw new Problem('invalid', `the source holds ${JSON.stringify(path)}, which leads out of its folder`);
  if (kind === 'l') {
    const [, , target, mtime] = values as unknown[];
    if (typeof target !== 'string' || target === '' || target.includes('\0') || !isTime(mtime)) throw malformed(line);
    return { kind: 'link', path, target, mtime };
  }
  const [, , mode, mtime, size, ids] = values as unknown[];
  if (!isCount(mode) || mode > 0o7777 || !isTime(mtime)) throw malformed(line);
  if (kind === 'd') return { kind: 'folder', path, mode, mtime };
  const pieces = typeof ids === 'string' ? splitPieceIds(ids) : undefined;
  if ((kind !== 'f' && kind !== 'F') || !isCount(size) || pieces === undefined) throw malformed(line);
  return { kind: 'file', path, mode, mtime, size, pieces, nested: kind === 'F' };
}

/** Relative, and as it is: no part is empty, `.` or `..`. */
function isCleanPath(path: string): boolean {
  if (path === '' || path.length > MAX_PATH || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function malformed(line: string): Problem {
  return new Problem('invalid', `no line of a source's list: ${JSON.stringify(line.slice(0, 200))}`);
}

/** What stands for a whole source: an object of the project's bucket. */
export interface SnapshotRoot {
  format: typeof SNAPSHOT_FORMAT;
  lists: PieceId[];
}

export const SNAPSHOT_FORMAT = 'slipway-source/1';
/** By which an object is known to be a source of this kind; what it names is looked up among its own project's. */
export const SNAPSHOT_TYPE = 'application/vnd.slipway.source.v1+json';
export const MAX_LISTS = 200_000;

/** @throws Problem `invalid` */
export function parseRoot(json: unknown): SnapshotRoot {
  const lists = typeof json === 'object' && json !== null && 'lists' in json ? json.lists : undefined;
  if (!Array.isArray(lists) || lists.length > MAX_LISTS || !lists.every(isPieceId))
    throw new Problem('invalid', 'this is no source that slipway submit has sent');
  return { format: SNAPSHOT_FORMAT, lists };
}
