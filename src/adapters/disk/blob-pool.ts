import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, Digester, digestAlgorithm } from '../../images/digest.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import { BlobFiles } from './blob-files.ts';

/** `there`: it was in the pool already. */
export type Kept = 'new' | 'there' | 'damaged';

/**
 * Blobs in a folder that may be on another disk: those of backups. On one file system a blob is a second name of its file,
 * which nobody writes to again; elsewhere it is copied, and its digest measured on the way.
 */
export class BlobPool {
  readonly #folder: string;
  readonly #files: BlobFiles;

  /** @param folder laid out as DATA/content */
  constructor(folder: string) {
    this.#folder = folder;
    this.#files = new BlobFiles(folder);
  }

  path(digest: Digest): string {
    return this.#files.path(digest);
  }

  async has({ digest, size }: BlobInfo): Promise<boolean> {
    return (await this.#files.size(digest)) === size;
  }

  /** Whether the pool holds the right bytes; all of them are read. */
  async isWhole(blob: BlobInfo): Promise<boolean> {
    return (await this.has(blob)) && (await this.#files.measure(blob.digest)) === blob.digest;
  }

  /** Takes a blob from a file that holds it. */
  async take(blob: BlobInfo, file: string): Promise<Kept> {
    if (await this.has(blob)) return 'there';
    try {
      await this.#files.place(file, blob.digest);
      return 'new';
    } catch (error) {
      // EPERM: where files of others can't be linked; EMLINK: a file has as many names as it can
      if (!hasErrorCode(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP')) throw error;
    }
    return this.#copy(blob, file);
  }

  async #copy({ digest, size }: BlobInfo, file: string): Promise<Kept> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const copy = join(this.#folder, `${randomBytes(9).toString('hex')}.copy`);
    const digester = new Digester(digestAlgorithm(digest));
    const handle = await open(copy, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o444);
    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
        digester.update(chunk as Buffer);
        await handle.writeFile(chunk as Buffer);
      }
      if (digester.size !== size || digester.finish() !== digest) return 'damaged';
      await handle.sync();
      await this.#files.place(copy, digest);
      return 'new';
    } finally {
      await handle.close();
      await rm(copy, { force: true });
    }
  }

  /** Unlinks those that `keep` doesn't ask for, a folder at a time. @returns how many */
  async dropAllBut(keep: (digests: Digest[]) => Promise<ReadonlySet<Digest>>): Promise<number> {
    let dropped = 0;
    for await (const page of this.#files.list()) {
      const kept = await keep(page.map((blob) => blob.digest));
      for (const { digest } of page) {
        if (kept.has(digest)) continue;
        await rm(this.#files.path(digest), { force: true });
        dropped++;
      }
    }
    return dropped;
  }
}
