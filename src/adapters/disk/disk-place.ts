import { rm, writeFile } from 'node:fs/promises';
import type { DataFolder } from '../../lib/data-folder.ts';
import { messageOf } from '../../lib/problem.ts';
import type { BlobArrivals, BlobInfo, BlobRows, BlobSweep } from '../../stores/content/content.ts';
import type { ContentPlace, PlaceReport } from '../../stores/content/place.ts';
import { BlobFiles } from './blob-files.ts';
import { DiskBin } from './disk-bin.ts';
import { DiskContent } from './disk-content.ts';
import { Trash } from './trash.ts';

/** The disk of the data folder, as the owner has it. */
export class DiskPlace implements ContentPlace {
  readonly url = 'disk';
  readonly content: DiskContent;
  readonly bin: DiskBin;
  readonly #folder: string;
  readonly #files: BlobFiles;
  readonly #rows: BlobSweep;
  readonly #trash: Trash;

  constructor(folder: DataFolder, rows: BlobRows & BlobSweep & BlobArrivals) {
    this.#folder = folder.content;
    this.#files = new BlobFiles(folder.content);
    this.#rows = rows;
    this.#trash = new Trash(folder.trash);
    this.content = new DiskContent({ folder: folder.content, rows, arrivals: rows });
    this.bin = new DiskBin(folder.content, this.#trash);
  }

  async recover(): Promise<number> {
    let restored = 0;
    for (const digest of await this.#rows.present(await this.bin.discarded()))
      if (await this.bin.restore(digest)) restored++;
    return restored;
  }

  empty(before: number): Promise<number> {
    return this.#trash.empty(before);
  }

  async holds({ digest, size }: BlobInfo): Promise<boolean> {
    return (await this.#files.size(digest)) === size;
  }

  /** Copies of a bucket's objects have their final names already. */
  async take({ digest }: BlobInfo, file: string): Promise<void> {
    if (file !== this.#files.path(digest)) await this.#files.place(file, digest);
  }

  async inspect({ digest, size }: BlobInfo): Promise<string | undefined> {
    if ((await this.#files.size(digest)) !== size) return 'is missing or has another size';
    return (await this.#files.measure(digest)) === digest ? undefined : 'holds other bytes';
  }

  async probe(): Promise<PlaceReport> {
    const file = await this.content.scratch();
    try {
      await writeFile(file, '');
      return { ok: true, detail: `${this.#folder}: may write` };
    } catch (error) {
      return { ok: false, detail: messageOf(error), remedy: 'Blobs are kept there: make it writable.' };
    } finally {
      await rm(file, { force: true });
    }
  }

  async close(): Promise<void> {}
}
