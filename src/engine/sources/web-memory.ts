import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../images/digest.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/** What an address gave the last time: enough to ask whether it is still the same, and to know a file without its bytes. */
export interface RememberedFile {
  digest: Digest;
  size: number;
  name: string | undefined;
  /** Milliseconds since 1970; 0 where the server doesn't say. */
  modifiedMs: number;
  etag?: string | undefined;
  lastModified?: string | undefined;
}

/** A small file for each address. Losing one costs a download. */
export class WebMemory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(url: string): Promise<RememberedFile | undefined> {
    const path = this.#path(url);
    try {
      const json: unknown = JSON.parse(await readFile(path, 'utf8'));
      const now = new Date();
      await utimes(path, now, now);
      return typeof json === 'object' && json !== null && 'digest' in json ? (json as RememberedFile) : undefined;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async save(url: string, file: RememberedFile): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeDurably(this.#path(url), JSON.stringify(file), 0o600);
  }

  /**
   * Forgets addresses that nobody asked for since then (milliseconds since 1970), and what a write left that was cut short.
   * @returns how many
   */
  async prune(unusedSince: number): Promise<number> {
    let removed = 0;
    for (const name of (await readdir(this.#folder).catch(nothingThere)) ?? []) {
      const path = join(this.#folder, name);
      const used = (await stat(path).catch(nothingThere))?.mtimeMs;
      if (used === undefined || used >= unusedSince) continue;
      await rm(path, { force: true });
      removed++;
    }
    return removed;
  }

  /** An address may hold a password, so it is no file name. */
  #path(url: string): string {
    return join(this.#folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`);
  }
}

function nothingThere(error: unknown): undefined {
  if (!hasErrorCode(error, 'ENOENT')) throw error;
}
