import { type Digest, isDigest } from '../../images/digest.ts';
import type { BlobBin } from '../../stores/content/collect.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import { BlobFiles } from './blob-files.ts';
import type { Trash } from './trash.ts';

const PREFIX = 'blob-';

/** Blobs on their way out, in the data folder's trash as `blob-<digest>`. */
export class DiskBin implements BlobBin {
  readonly #files: BlobFiles;
  readonly #trash: Trash;

  /** @param content DATA/content */
  constructor(content: string, trash: Trash) {
    this.#files = new BlobFiles(content);
    this.#trash = trash;
  }

  async discard(digest: Digest, now: number): Promise<void> {
    await this.#trash.discard(this.#files.path(digest), `${PREFIX}${digest}`, now);
  }

  async restore(digest: Digest): Promise<boolean> {
    if ((await this.#files.size(digest)) !== undefined) return false;
    const entry = (await this.#trash.entries()).find((found) => found.name === `${PREFIX}${digest}`);
    return entry !== undefined && this.#trash.restore(entry, this.#files.path(digest));
  }

  /** Blobs that lie in the trash. */
  async discarded(): Promise<Digest[]> {
    const names = (await this.#trash.entries()).map((entry) => entry.name);
    return names
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length))
      .filter(isDigest);
  }

  async *stored(before: number): AsyncGenerator<BlobInfo[]> {
    for await (const files of this.#files.list()) {
      const old = files.filter((file) => file.changedAt < before);
      if (old.length > 0) yield old.map(({ digest, size }) => ({ digest, size }));
    }
  }

  settled(before: number): AsyncGenerator<BlobInfo[]> {
    return this.stored(before);
  }
}
