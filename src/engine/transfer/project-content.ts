import type { Readable } from 'node:stream';
import type { Digest, DigestAlgorithm } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { once } from '../../lib/bytes.ts';
import type {
  BlobInfo,
  BlobRows,
  ByteRange,
  ContentStore,
  IngestOptions,
  NewBlob,
  PossessedBlob,
} from '../../stores/content/content.ts';
import type { Caller } from '../engine.ts';

/** Remembered at most; a row is asked for again after that. */
const REMEMBERED = 10_000;

/** Whose bytes count. */
export interface Holder extends Pick<Caller, 'project'> {
  /** May read what any project has: the owner of the data folder, at the keyboard. */
  everything: boolean;
}

/**
 * The content store as one project sees it. The store is one for all, so that a digest alone (behind a foreign name, in a
 * manifest or a config of somebody's own) must open nothing of another project: a blob is here when the project has had
 * its bytes, and whatever the project brings or makes is noted as its own together with the blob (decision 0012).
 */
export class ProjectContent implements ContentStore {
  readonly #all: ContentStore;
  readonly #rows: Pick<BlobRows, 'notePossession' | 'possessed' | 'noteDiffID'>;
  readonly #holder: Holder;
  readonly #had = new Set<Digest>();
  /** Layers that are what their configs say. */
  readonly #proven = new Set<string>();

  constructor(all: ContentStore, rows: Pick<BlobRows, 'notePossession' | 'possessed' | 'noteDiffID'>, holder: Holder) {
    this.#all = all;
    this.#rows = rows;
    this.#holder = holder;
  }

  async stat(digest: Digest): Promise<BlobInfo | undefined> {
    return (await this.had([digest])).has(digest) ? await this.#all.stat(digest) : undefined;
  }

  /** Those that the project has had, by one look at the rows. */
  async had(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    if (this.#holder.everything) return new Set(digests);
    const unknown = digests.filter((digest) => !this.#had.has(digest));
    const found = unknown.length === 0 ? [] : await this.#look(unknown);
    const asked = found.map(({ digest }) => digest);
    return new Set([...digests.filter((digest) => this.#had.has(digest)), ...asked]);
  }

  /** Whether anybody brought the bytes: what has to be proven before it is used. */
  async liesHere(digest: Digest): Promise<boolean> {
    return (await this.#all.stat(digest)) !== undefined;
  }

  /** Notes what the project has had, or was told to have by somebody whose word counts. */
  async note(digests: readonly Digest[]): Promise<void> {
    const news = digests.filter((digest) => !this.#had.has(digest));
    if (news.length > 0) await this.#rows.notePossession(this.#holder.project, news);
    this.#remember(news);
  }

  /**
   * Those of these layers whose bytes the project has had and whose bytes are known to be what their config says: trees
   * and listings are kept by diffID, which a config may claim of any blob. One look at the rows for all of them.
   */
  async provenLayers(layers: readonly Layer[]): Promise<ReadonlySet<Layer>> {
    if (this.#holder.everything) return new Set(layers);
    const unknown = layers.filter((layer) => !this.#proven.has(pairOf(layer))).map(({ blob }) => blob.digest);
    if (unknown.length > 0) await this.#look(unknown);
    return new Set(
      layers.filter(
        (layer) =>
          this.#proven.has(pairOf(layer)) || (layer.diffID === layer.blob.digest && this.#had.has(layer.diffID)),
      ),
    );
  }

  /** Notes that the bytes of a layer were read here and unpack to what its config says. */
  async noteProven(layer: Layer): Promise<void> {
    if (this.#proven.has(pairOf(layer))) return;
    if (layer.diffID !== layer.blob.digest) await this.#rows.noteDiffID(layer.blob.digest, layer.diffID);
    this.#rememberPair(layer.blob.digest, layer.diffID);
  }

  async ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<BlobInfo> {
    const info = await this.#all.ingest(source, { ...options, project: this.#holder.project });
    this.#remember([info.digest]);
    return info;
  }

  async put(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Promise<BlobInfo> {
    return await this.ingest(once(bytes), { size: bytes.length, algorithm });
  }

  async adopt(file: string, info: NewBlob): Promise<BlobInfo> {
    const adopted = await this.#all.adopt(file, { ...info, project: this.#holder.project });
    this.#remember([info.digest]);
    if (info.diffID !== undefined) this.#rememberPair(info.digest, info.diffID);
    return adopted;
  }

  open(digest: Digest, range?: ByteRange): Promise<Readable> {
    return this.#all.open(digest, range);
  }

  read(digest: Digest, limit?: number): Promise<Buffer> {
    return this.#all.read(digest, limit);
  }

  path(digest: Digest): Promise<string> {
    return this.#all.path(digest);
  }

  scratch(): Promise<string> {
    return this.#all.scratch();
  }

  hold(holder: string, digests: Digest[], ms: number): Promise<void> {
    return this.#all.hold(holder, digests, ms);
  }

  release(holder: string): Promise<void> {
    return this.#all.release(holder);
  }

  async #look(digests: readonly Digest[]): Promise<PossessedBlob[]> {
    const found = await this.#rows.possessed(this.#holder.project, digests);
    this.#remember(found.map(({ digest }) => digest));
    for (const { digest, diffID } of found) if (diffID !== undefined) this.#rememberPair(digest, diffID);
    return found;
  }

  #remember(digests: readonly Digest[]): void {
    if (this.#had.size >= REMEMBERED) this.#had.clear();
    for (const digest of digests) this.#had.add(digest);
  }

  #rememberPair(digest: Digest, diffID: Digest): void {
    if (this.#proven.size >= REMEMBERED) this.#proven.clear();
    this.#proven.add(`${digest} ${diffID}`);
  }
}

function pairOf({ blob, diffID }: Layer): string {
  return `${blob.digest} ${diffID}`;
}
