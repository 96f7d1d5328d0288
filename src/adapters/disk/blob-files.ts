import { createHash } from 'node:crypto';
import { createReadStream, linkSync, statSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestHex, isDigest } from '../../images/digest.ts';
import { syncFolder } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

const PREFIXES = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Where blobs lie: `content/<alg>/<2 hex>/<hex>`, 256 folders per algorithm so that none grows out of hand. */
export class BlobFiles {
  readonly #folder: string;
  readonly #made = new Map<DigestAlgorithm, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(digest: Digest): string {
    const hex = digestHex(digest);
    return join(this.#folder, digestAlgorithm(digest), hex.slice(0, 2), hex);
  }

  /** Bytes of the file, or undefined when there is none. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await statOrNothing(this.path(digest)))?.size;
  }

  /** Whether the file is there, for who has just placed it: the kernel knows, and nobody waits. */
  has(digest: Digest): boolean {
    return statSync(this.path(digest), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * Gives a finished, flushed file its final name, durably. It takes the place of a file that is there already: its bytes
   * have just been measured, those of the other long ago, and so a push mends whatever happened to them since.
   */
  async place(file: string, digest: Digest): Promise<void> {
    const path = this.path(digest);
    await this.#makeFolders(digestAlgorithm(digest));
    if (!linked(file, path)) await replace(file, path);
    await syncFolder(dirname(path));
  }

  /** All 256 folders at once: made one by one, each would cost a flush of its own in the middle of a push. */
  #makeFolders(algorithm: DigestAlgorithm): Promise<void> {
    const made = this.#made.get(algorithm) ?? this.#makeMissing(join(this.#folder, algorithm));
    this.#made.set(algorithm, made);
    made.catch(() => this.#made.delete(algorithm));
    return made;
  }

  async #makeMissing(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const present = new Set(await readdir(folder));
    const missing = PREFIXES.filter((prefix) => !present.has(prefix));
    if (missing.length === 0) return;
    for (const prefix of missing) await mkdir(join(folder, prefix), { recursive: true, mode: 0o700 });
    await syncFolder(folder);
    await syncFolder(this.#folder);
  }

  /** Computes the digest of what lies at the blob's place; undefined when nothing does. */
  async measure(digest: Digest): Promise<Digest | undefined> {
    const hash = createHash(digestAlgorithm(digest));
    try {
      for await (const chunk of createReadStream(this.path(digest), { highWaterMark: 1 << 20 })) hash.update(chunk);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    return `${digestAlgorithm(digest)}:${hash.digest('hex')}` as Digest;
  }

  /** Every file that has the name of a blob, one folder at a time, with the time of its last change of name or links. */
  async *list(): AsyncGenerator<{ digest: Digest; size: number; changedAt: number }[]> {
    for (const algorithm of ['sha256', 'sha512'])
      for (const prefix of await namesIn(join(this.#folder, algorithm))) {
        const found = [];
        for (const hex of await namesIn(join(this.#folder, algorithm, prefix))) {
          const digest = `${algorithm}:${hex}`;
          if (!isDigest(digest)) continue;
          const info = await statOrNothing(this.path(digest));
          if (info !== undefined) found.push({ digest, size: info.size, changedAt: info.ctimeMs });
        }
        if (found.length > 0) yield found;
      }
  }
}

function linked(file: string, path: string): boolean {
  try {
    linkSync(file, path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** In one step, so that there is never no file; `file` keeps its own name. */
async function replace(file: string, path: string): Promise<void> {
  const second = `${file}.placed`;
  await link(file, second);
  await rename(second, path);
  await rm(second, { force: true }); // it is still there when both were the same file
}

async function statOrNothing(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
