import { Problem } from '../../lib/problem.ts';
import type { BlobInfo, ContentReader, ContentWriter } from '../content/content.ts';
import { type PackedPiece, unframe } from './pack-pieces.ts';
import type { PieceId } from './piece.ts';
import { PieceReader } from './piece-reader.ts';
import type { PiecePlace, SourceRows } from './rows.ts';
import { parseEntries, parseNested, type TreeEntry } from './tree-list.ts';

/** What a client is told to send. */
export interface Missing {
  lists: PieceId[];
  pieces: PieceId[];
}

type FileEntry = Extract<TreeEntry, { kind: 'file' }>;

/**
 * Sources that travel by what is new in them (decision 0027). A client asks which lists of its tree are missing, then which
 * pieces of what those name, sends these in packs, and names the lists: from then on they are *whole*, and nobody asks for
 * what is in them again. Everything is measured and checked here; all belongs to one project and is unknown to any other.
 */
export class SourceStore {
  readonly #rows: SourceRows;
  readonly #content: ContentReader & ContentWriter;

  constructor(rows: SourceRows, content: ContentReader & ContentWriter) {
    this.#rows = rows;
    this.#content = content;
  }

  /** What of these isn't there; what is, stays for long enough to finish the source. */
  async missing(project: string, asked: { lists: readonly PieceId[]; pieces: readonly PieceId[] }): Promise<Missing> {
    const lists = new Set((await this.#rows.whole(project, asked.lists)).map(({ list }) => list));
    const places = await this.#rows.places(project, asked.pieces);
    await this.#rows.use(project, { lists: [...lists], packs: packsOf(places) });
    const pieces = new Set(places.map(({ piece }) => piece));
    return {
      lists: asked.lists.filter((list) => !lists.has(list)),
      pieces: asked.pieces.filter((piece) => !pieces.has(piece)),
    };
  }

  /** Takes a pack as it travels. @throws Problem `invalid`, `exhausted` */
  async receive(project: string, source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const pieces: PackedPiece[] = [];
    const pack = await this.#content.ingest(unframe(source, (piece) => pieces.push(piece)));
    await this.#rows.addPack(project, pack, pieces);
    return pack;
  }

  /**
   * Makes lists whole: those of a tree, in its order.
   * @returns bytes of the tree's files
   * @throws Problem `not-found` when something that they name isn't there, `invalid` for what no client of ours sends
   */
  async complete(project: string, lists: readonly PieceId[]): Promise<number> {
    const whole = new Map((await this.#rows.whole(project, lists)).map(({ list, bytes }) => [list, bytes]));
    const reader = new PieceReader(project, this.#rows, this.#content);
    try {
      for (const list of new Set(lists))
        if (!whole.has(list)) whole.set(list, await this.#completeList(project, list, reader));
    } finally {
      await reader.close();
    }
    await this.#rows.use(project, { lists });
    return lists.reduce((sum, list) => sum + (whole.get(list) ?? 0), 0);
  }

  async #completeList(project: string, list: PieceId, reader: PieceReader): Promise<number> {
    const own = placeOf(await reader.places([list]), list);
    const files = parseEntries(await reader.read(own)).filter((entry) => entry.kind === 'file');
    const pieces = await reader.places(files.flatMap((file) => file.pieces));
    const packs = new Set([own.pack, ...packsOf(pieces.values())]);
    let bytes = 0;
    for (const file of files) {
      const size = file.nested
        ? await this.#completeNested(project, file, pieces, reader, packs)
        : file.pieces.reduce((sum, piece) => sum + placeOf(pieces, piece).size, 0);
      if (size !== file.size)
        throw new Problem('invalid', `${file.path} has ${file.size} bytes by its list and ${size} by its pieces`);
      bytes += size;
    }
    await this.#rows.addWhole(project, { list, bytes }, [...packs]);
    return bytes;
  }

  /** Lists of a long file's pieces, which become whole as well. @param packs those that they need are added */
  async #completeNested(
    project: string,
    file: FileEntry,
    places: ReadonlyMap<PieceId, PiecePlace>,
    reader: PieceReader,
    packs: Set<PiecePlace['pack']>,
  ): Promise<number> {
    let size = 0;
    for (const list of file.pieces) {
      const own = placeOf(places, list);
      const ids = parseNested(await reader.read(own));
      const pieces = await reader.places(ids);
      const needed = new Set([own.pack, ...packsOf(pieces.values())]);
      const bytes = ids.reduce((sum, piece) => sum + placeOf(pieces, piece).size, 0);
      await this.#rows.addWhole(project, { list, bytes }, [...needed]);
      for (const pack of needed) packs.add(pack);
      size += bytes;
    }
    return size;
  }
}

function packsOf(places: Iterable<PiecePlace>): PiecePlace['pack'][] {
  return [...new Set(Array.from(places, ({ pack }) => pack))];
}

function placeOf(places: ReadonlyMap<PieceId, PiecePlace>, piece: PieceId): PiecePlace {
  const place = places.get(piece);
  if (place === undefined) throw new Error(`${piece} was asked for, and was not there`);
  return place;
}
