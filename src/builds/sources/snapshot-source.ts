import {
  chmodSync,
  closeSync,
  fchmodSync,
  futimesSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { copyRange } from '../../kernel/copy-range.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../lib/disk-problem.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import type { PieceId } from '../../stores/sources/piece.ts';
import { PieceReader } from '../../stores/sources/piece-reader.ts';
import type { PiecePlace, SourceRows } from '../../stores/sources/rows.ts';
import { parseEntries, parseNested, type SnapshotRoot, type TreeEntry } from '../../stores/sources/tree-list.ts';

/** What sources of `slipway submit` are read from. */
export interface SnapshotParts {
  rows: Pick<SourceRows, 'places' | 'whole' | 'use'>;
  content: Pick<ContentReader, 'path'>;
}

type Entry<K extends TreeEntry['kind']> = Extract<TreeEntry, { kind: K }>;

const MAX_ENTRIES = 1_000_000;
/** Lists whose pieces are looked up together: some ten thousand entries. */
const LISTS_AT_ONCE = 64;
/** Up to here bytes are passed through this process: a call of the kernel's copy costs as much. */
const SMALL = 256 << 10;

/**
 * Lays out a source that `slipway submit` has sent: every file by a copy within the kernel, out of packs that are here. The
 * workspace is empty, and nothing is put in another's place: names come in order and once, so plain file calls meet no link.
 * Owner is root, as with archives.
 * @returns files and their bytes
 * @throws Problem `not-found` when parts of it are gone, `invalid`, `exhausted`, `cancelled`
 */
export async function unpackSnapshot(
  project: string,
  root: SnapshotRoot,
  workspace: string,
  { rows, content }: SnapshotParts,
  signal: AbortSignal,
): Promise<{ files: number; bytes: number }> {
  const whole = await rows.whole(project, root.lists);
  if (whole.length < new Set(root.lists).size)
    throw new Problem('not-found', 'parts of the source were removed, because no build has used them for long', {
      hint: 'Submit again. retention.sourceDays in slipway.yaml says for how long they stay.',
    });
  await rows.use(project, { lists: root.lists });
  const reader = new PieceReader(project, rows, content);
  const tree = new Tree(workspace, reader, signal);
  try {
    for (let start = 0; start < root.lists.length; start += LISTS_AT_ONCE)
      await tree.add(root.lists.slice(start, start + LISTS_AT_ONCE));
    tree.finish();
  } catch (error) {
    throw diskProblem(error, workspace);
  } finally {
    await reader.close();
  }
  return { files: tree.files, bytes: tree.bytes };
}

class Tree {
  files = 0;
  bytes = 0;
  readonly #root: string;
  readonly #reader: PieceReader;
  readonly #signal: AbortSignal;
  readonly #room: SpaceGuard;
  readonly #folders = new Map<string, Entry<'folder'>>();
  readonly #buffer = Buffer.allocUnsafe(SMALL);
  #last: string[] = [];
  #entries = 0;

  constructor(root: string, reader: PieceReader, signal: AbortSignal) {
    this.#root = root;
    this.#reader = reader;
    this.#signal = signal;
    this.#room = new SpaceGuard(root, RESERVE_BYTES);
  }

  async add(lists: readonly PieceId[]): Promise<void> {
    const entries: TreeEntry[] = [];
    for (const bytes of await this.#readAll(lists)) for (const entry of parseEntries(bytes)) entries.push(entry);
    const files = entries.filter((entry) => entry.kind === 'file' && !entry.nested) as Entry<'file'>[];
    const places = await this.#reader.places(files.flatMap(({ pieces }) => pieces));
    for (const entry of entries) {
      this.#signal.throwIfAborted();
      this.#comesNext(entry.path);
      const target = join(this.#root, entry.path);
      if (entry.kind === 'folder') {
        mkdirSync(target, { mode: 0o755 });
        this.#folders.set(entry.path, entry);
      } else if (entry.kind === 'link') {
        symlinkSync(entry.target, target);
        lutimesSync(target, seconds(entry), seconds(entry));
      } else await this.#write(entry, target, places);
    }
  }

  /** Last and deepest first, because writing into a folder changes its time, and its mode may forbid that. */
  finish(): void {
    for (const folder of [...this.#folders.values()].reverse()) {
      chmodSync(join(this.#root, folder.path), folder.mode);
      utimesSync(join(this.#root, folder.path), seconds(folder), seconds(folder));
    }
  }

  async #readAll(lists: readonly PieceId[]): Promise<Buffer[]> {
    const places = await this.#reader.places(lists);
    const read: Buffer[] = [];
    for (const list of lists) read.push(await this.#reader.read(places.get(list) as PiecePlace));
    return read;
  }

  /** @throws Problem `invalid` unless it comes behind all others, in a folder that was named */
  #comesNext(path: string): void {
    if (++this.#entries > MAX_ENTRIES) throw new Problem('invalid', `the source has more than ${MAX_ENTRIES} entries`);
    const parts = path.split('/');
    const above = parts.slice(0, -1).join('/');
    if (!isBehind(parts, this.#last) || (above !== '' && !this.#folders.has(above)))
      throw new Problem('invalid', `the source names ${path} twice, out of order or in no folder`);
    this.#last = parts;
  }

  async #write(file: Entry<'file'>, target: string, known: ReadonlyMap<PieceId, PiecePlace>): Promise<void> {
    let { pieces } = file;
    let places = known;
    if (file.nested) {
      pieces = (await this.#readAll(pieces)).flatMap(parseNested);
      places = await this.#reader.places(pieces);
    }
    const fd = openSync(target, 'wx', 0o600);
    try {
      let at = 0;
      for (const run of runsOf(pieces, places)) {
        await this.#room.take(run.size);
        await this.#copy(run, fd, at);
        at += run.size;
      }
      if (at !== file.size) throw new Problem('invalid', `${file.path} has ${file.size} bytes, and its pieces ${at}`);
      fchmodSync(fd, file.mode);
      futimesSync(fd, seconds(file), seconds(file));
    } finally {
      closeSync(fd);
    }
    this.files++;
    this.bytes += file.size;
  }

  async #copy({ pack, at, size }: Omit<PiecePlace, 'piece'>, to: number, toAt: number): Promise<void> {
    const { fd } = await this.#reader.pack(pack);
    if (size > SMALL) {
      const piece = async () => this.#signal.throwIfAborted();
      if (await copyRange({ fd, at }, to, size, piece, toAt)) return;
    }
    for (let done = 0; done < size; ) {
      const count = readSync(fd, this.#buffer, 0, Math.min(SMALL, size - done), at + done);
      if (count === 0) throw new Problem('invalid', `pack ${pack} ends before its last piece`);
      for (let written = 0; written < count; )
        written += writeSync(to, this.#buffer, written, count - written, toAt + done + written);
      done += count;
    }
  }
}

/** For node:fs, which cuts what a double can't hold: half a microsecond more keeps the whole ones. */
function seconds({ mtime }: TreeEntry): number {
  return (mtime + 0.5) / 1e6;
}

/** Pieces that lie one behind the other in their pack, as one. */
function* runsOf(
  pieces: readonly PieceId[],
  places: ReadonlyMap<PieceId, PiecePlace>,
): Generator<Omit<PiecePlace, 'piece'>> {
  let run: Omit<PiecePlace, 'piece'> | undefined;
  for (const piece of pieces) {
    const place = places.get(piece);
    if (place === undefined) throw new Error(`${piece} was looked up, and was not there`);
    if (run !== undefined && run.pack === place.pack && run.at + run.size === place.at) run.size += place.size;
    else {
      if (run !== undefined) yield run;
      run = { pack: place.pack, at: place.at, size: place.size };
    }
  }
  if (run !== undefined) yield run;
}

/** In the order in which a tree is walked: by name in every folder, a folder before what is in it. */
function isBehind(parts: readonly string[], before: readonly string[]): boolean {
  for (const [index, part] of parts.entries()) {
    const other = before[index];
    if (other === undefined || part > other) return true;
    if (part < other) return false;
  }
  return false;
}
