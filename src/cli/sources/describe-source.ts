import { readlinkSync } from 'node:fs';
import { Problem } from '../../lib/problem.ts';
import { type PieceId, pieceIdOf } from '../../stores/sources/piece.ts';
import { endsList, formatEntry, MAX_INLINE, nestedLists, type TreeEntry } from '../../stores/sources/tree-list.ts';
import { readPieces } from './read-pieces.ts';
import type { SourceIndex } from './source-index.ts';
import { type SourceEntry, walkSource } from './walk-source.ts';

/** A list of pieces of a file that has many. */
export interface DescribedNested {
  id: PieceId;
  bytes: Buffer;
  pieces: PieceId[];
}

export interface DescribedFile {
  path: string;
  /** On this machine. */
  full: string;
  pieces: PieceId[];
  /** Absent: the entry names the pieces itself. */
  nested?: DescribedNested[];
}

export interface DescribedList {
  id: PieceId;
  bytes: Buffer;
  files: DescribedFile[];
}

export interface DescribedSource {
  lists: DescribedList[];
  files: number;
  bytes: number;
}

/**
 * What a folder holds, as lists of pieces. Files that the index knows are not read.
 * @throws Problem `cancelled`, `not-found`; for a file that can't be read, with its name
 */
export async function describeSource(
  folder: string,
  index: SourceIndex,
  signal: AbortSignal,
): Promise<DescribedSource> {
  const source: DescribedSource = { lists: [], files: 0, bytes: 0 };
  let lines: string[] = [];
  let length = 0;
  let files: DescribedFile[] = [];
  const endList = () => {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    source.lists.push({ id: pieceIdOf(bytes), bytes, files });
    [lines, length, files] = [[], 0, []];
  };
  for await (const entry of walkSource(folder)) {
    signal.throwIfAborted();
    const line = formatEntry(described(entry, index, source, files));
    lines.push(line);
    length += line.length;
    if (endsList(entry.path, length)) endList();
  }
  endList();
  await index.save();
  return source;
}

function described(
  { path, full, stat }: SourceEntry,
  index: SourceIndex,
  source: DescribedSource,
  files: DescribedFile[],
): TreeEntry {
  const mtime = Number(stat.mtimeNs / 1000n);
  const mode = Number(stat.mode) & 0o7777;
  if (stat.isDirectory()) return { kind: 'folder', path, mode, mtime };
  if (stat.isSymbolicLink()) return { kind: 'link', path, target: readlinkSync(full), mtime };
  let pieces = index.pieces(path, stat);
  let size = Number(stat.size);
  if (pieces === undefined) {
    const openedNs = BigInt(Date.now()) * 1_000_000n;
    ({ pieces, size } = measured(path, full));
    // what grew or shrank while it was read is another file than the inode spoke of
    if (size === Number(stat.size)) index.note(path, stat, pieces, openedNs);
  }
  source.files++;
  source.bytes += size;
  const file: DescribedFile = { path, full, pieces };
  if (pieces.length > MAX_INLINE) file.nested = [...nestedOf(pieces)];
  files.push(file);
  const named = file.nested === undefined ? pieces : file.nested.map(({ id }) => id);
  return { kind: 'file', path, mode, mtime, size, pieces: named, nested: file.nested !== undefined };
}

function measured(path: string, full: string): { pieces: PieceId[]; size: number } {
  const pieces: PieceId[] = [];
  let size = 0;
  try {
    for (const piece of readPieces(full)) {
      pieces.push(pieceIdOf(piece));
      size += piece.length;
    }
  } catch (error) {
    throw new Problem('failed', `${path} can't be read: ${(error as Error).message}`, {
      hint: 'Leave it out by a line in .gcloudignore, if the build does not need it.',
      cause: error,
    });
  }
  return { pieces, size };
}

function* nestedOf(pieces: readonly PieceId[]): Generator<DescribedNested> {
  let start = 0;
  for (const bytes of nestedLists(pieces)) {
    const count = bytes.length / 32;
    yield { id: pieceIdOf(bytes), bytes, pieces: pieces.slice(start, start + count) };
    start += count;
  }
}
