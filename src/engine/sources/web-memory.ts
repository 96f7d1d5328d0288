import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
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
    try {
      const json: unknown = JSON.parse(await readFile(this.#path(url), 'utf8'));
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

  /** An address may hold a password, so it is no file name. */
  #path(url: string): string {
    return join(this.#folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`);
  }
}
