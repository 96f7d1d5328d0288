import { type FileHandle, open } from 'node:fs/promises';
import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../content/content.ts';
import { type PieceId, pieceIdOf } from './piece.ts';
import type { PiecePlace, SourceRows } from './rows.ts';

/** Packs that are open at once. */
const OPEN_PACKS = 64;

/** Reads the pieces of one project, out of packs that are files. It must be closed. */
export class PieceReader {
  readonly #project: string;
  readonly #rows: Pick<SourceRows, 'places'>;
  readonly #content: Pick<ContentReader, 'path'>;
  readonly #packs = new Map<Digest, FileHandle>();

  constructor(project: string, rows: Pick<SourceRows, 'places'>, content: Pick<ContentReader, 'path'>) {
    this.#project = project;
    this.#rows = rows;
    this.#content = content;
  }

  /** Where these lie. @throws Problem `not-found` unless all are there */
  async places(pieces: readonly PieceId[]): Promise<Map<PieceId, PiecePlace>> {
    const asked = [...new Set(pieces)];
    const found = new Map((await this.#rows.places(this.#project, asked)).map((place) => [place.piece, place]));
    if (found.size < asked.length)
      throw new Problem('not-found', `${asked.length - found.size} pieces of the source are not there (any more)`, {
        hint: 'Submit again: what is missing is sent anew.',
      });
    return found;
  }

  /** A small piece, such as a list; its bytes are those that its id says. @throws Problem `invalid` */
  async read(place: PiecePlace): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(place.size);
    const { bytesRead } = await (await this.pack(place.pack)).read(bytes, 0, place.size, place.at);
    if (bytesRead !== place.size || pieceIdOf(bytes) !== place.piece)
      throw new Problem('invalid', `pack ${place.pack} holds other bytes than were sent`, {
        hint: 'slipway doctor finds damaged blobs and puts them aside; then submit again.',
      });
    return bytes;
  }

  /** The file of a pack, open for reading until others were asked for. */
  async pack(digest: Digest): Promise<FileHandle> {
    const known = this.#packs.get(digest);
    this.#packs.delete(digest);
    const handle = known ?? (await open(await this.#content.path(digest)));
    this.#packs.set(digest, handle);
    if (this.#packs.size > OPEN_PACKS) {
      const [oldest] = this.#packs.keys();
      if (oldest !== undefined) {
        await this.#packs.get(oldest)?.close();
        this.#packs.delete(oldest);
      }
    }
    return handle;
  }

  async close(): Promise<void> {
    for (const handle of this.#packs.values()) await handle.close();
    this.#packs.clear();
  }
}
