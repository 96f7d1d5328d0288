import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { Problem } from '../../lib/problem.ts';
import { frame, MAX_PACK_PIECES } from '../../stores/sources/pack-pieces.ts';
import { type PieceId, pieceIdOf } from '../../stores/sources/piece.ts';
import type { ApiClient } from '../api-client.ts';
import { type DescribedFile, type DescribedList, describeSource } from './describe-source.ts';
import { readPieces } from './read-pieces.ts';
import { SourceIndex } from './source-index.ts';

/** What came of an upload. */
export interface SentSource {
  /** `storageSource` of the build. */
  source: { bucket: string; object: string; generation: string };
  files: number;
  /** Of all files. */
  bytes: number;
  /** That travelled, questions included. */
  sent: number;
}

export interface SendOptions {
  api: ApiClient;
  project: string;
  bucket: string;
  folder: string;
  signal: AbortSignal;
  /** Told now and then how many bytes have travelled. */
  watch(sent: number): void;
}

/** So many bytes of pieces go in one request; two requests are on their way at once. */
const PACK_BYTES = 16 << 20;
const PACKS_AT_ONCE = 2;
const IDS_AT_ONCE = 50_000;

/**
 * Sends a folder as far as the server doesn't have it (decision 0027).
 * @throws Problem of the server; `conflict` when files change as fast as they are sent
 */
export async function sendSource(options: SendOptions): Promise<SentSource> {
  const channel = new Channel(options);
  for (let attempt = 1; ; attempt++) {
    const tree = await describeSource(options.folder, await SourceIndex.open(options.folder), options.signal);
    try {
      await channel.send(tree.lists);
      const lists = tree.lists.map(({ id }) => id);
      const source = await channel.ask('snapshots', { bucket: options.bucket, lists });
      return { source: source as SentSource['source'], files: tree.files, bytes: tree.bytes, sent: channel.sent };
    } catch (error) {
      // a file has changed since it was described, or the server forgot a piece since it was asked
      const passing = error instanceof Problem && ['conflict', 'not-found'].includes(error.code);
      if (!passing || attempt === 3) throw error;
    }
  }
}

class Channel {
  sent = 0;
  readonly #options: SendOptions;
  readonly #path: string;
  /** Between machines bytes cost more than processors, on one machine it is the other way round. */
  readonly #compress: boolean;

  constructor(options: SendOptions) {
    this.#options = options;
    this.#path = `/storage/sources/${encodeURIComponent(options.project)}`;
    const { hostname } = new URL(options.api.url);
    this.#compress = !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  }

  async ask(what: string, body: unknown): Promise<Record<string, unknown>> {
    this.sent += Buffer.byteLength(JSON.stringify(body));
    return await this.#options.api.json('POST', `${this.#path}/${what}`, body);
  }

  /** Sends what is missing of these lists, and of what they name. */
  async send(lists: readonly DescribedList[]): Promise<void> {
    const unknown = await this.#missing({ lists: lists.map(({ id }) => id), pieces: [] });
    const todo = lists.filter(({ id }) => unknown.has(id));
    const files = todo.flatMap((list) => list.files);
    const nested = files.flatMap((file) => file.nested ?? []);
    const missing = await this.#missing({
      lists: nested.map(({ id }) => id),
      pieces: files.flatMap((file) => (file.nested === undefined ? file.pieces : [])),
    });
    const deeper = nested.filter(({ id }) => missing.has(id)).flatMap(({ pieces }) => pieces);
    for (const piece of await this.#missing({ lists: [], pieces: deeper })) missing.add(piece);
    const packs = packed(this.#pieces(todo, missing));
    const ends = await Promise.allSettled(Array.from({ length: PACKS_AT_ONCE }, () => this.#sendAll(packs)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #sendAll(packs: AsyncGenerator<Uint8Array[]>): Promise<void> {
    for (;;) {
      const { value, done } = await packs.next();
      if (done) return;
      try {
        await this.#sendPack(value);
      } catch (error) {
        await packs.return(undefined); // nobody sends what comes behind it
        throw error;
      }
    }
  }

  async #sendPack(frames: Uint8Array[]): Promise<void> {
    const { api, watch } = this.#options;
    const plain = Readable.from(frames, { objectMode: false });
    const body = this.#compress ? plain.pipe(createGzip({ level: 1 })) : plain;
    const count = async function* (this: Channel): AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        this.sent += (chunk as Uint8Array).length;
        watch(this.sent);
        yield chunk as Uint8Array;
      }
    };
    const size = this.#compress ? undefined : frames.reduce((sum, { length }) => sum + length, 0);
    const headers = this.#compress ? { 'content-encoding': 'gzip' } : {};
    await api.upload(`${this.#path}/packs`, 'application/octet-stream', count.call(this), size, headers);
  }

  /** Whatever of these the server doesn't have. */
  async #missing({ lists, pieces }: { lists: PieceId[]; pieces: PieceId[] }): Promise<Set<PieceId>> {
    const missing = new Set<PieceId>();
    const [allLists, allPieces] = [[...new Set(lists)], [...new Set(pieces)]];
    for (let at = 0; at < Math.max(allLists.length, allPieces.length); at += IDS_AT_ONCE) {
      const page = (ids: PieceId[]) => ids.slice(at, at + IDS_AT_ONCE);
      const answer = await this.ask('missing', { lists: page(allLists), pieces: page(allPieces) });
      for (const id of [...(answer['lists'] as PieceId[]), ...(answer['pieces'] as PieceId[])]) missing.add(id);
    }
    return missing;
  }

  /** Each missing piece once: of files, then lists of their pieces, then the lists themselves. */
  async *#pieces(lists: readonly DescribedList[], missing: Set<PieceId>): AsyncGenerator<Uint8Array> {
    for (const { bytes, files } of lists) {
      for (const file of files) {
        if (file.pieces.some((piece) => missing.has(piece))) yield* this.#piecesOf(file, missing);
        for (const { id, bytes: ids } of file.nested ?? []) if (missing.delete(id)) yield ids;
      }
      yield bytes;
    }
  }

  *#piecesOf({ path, full, pieces }: DescribedFile, missing: Set<PieceId>): Generator<Uint8Array> {
    let index = 0;
    for (const bytes of readPieces(full)) {
      this.#options.signal.throwIfAborted();
      if (pieceIdOf(bytes) !== pieces[index]) break;
      if (missing.delete(pieces[index] as PieceId)) yield Buffer.from(bytes);
      index++;
    }
    if (index < pieces.length)
      throw new Problem('conflict', `${path} changes while it is sent`, {
        hint: 'Stop what writes to it, or leave it out by a line in .gcloudignore.',
      });
  }
}

async function* packed(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let frames: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    frames.push(...frame(piece));
    bytes += piece.length;
    if (bytes < PACK_BYTES && frames.length < MAX_PACK_PIECES) continue;
    yield frames;
    frames = [];
    bytes = 0;
  }
  if (frames.length > 0) yield frames;
}
