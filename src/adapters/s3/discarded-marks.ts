import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, isDigest } from '../../images/digest.ts';
import { syncFolder } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

export interface DiscardedMark {
  digest: Digest;
  /** Milliseconds since 1970. */
  at: number;
  /** The object is being deleted, or that was cut off: whether it is still there is not known. */
  deleting: boolean;
}

const DELETING = '.deleting';

/**
 * Objects that are out of sight and not yet gone. An object isn't moved into a trash, which would be two requests in the middle
 * of a transaction: a small file beside the rows says that it goes, `<digest>`, and at its end that it is going,
 * `<digest>.deleting`. Who stores the same bytes again takes the first one away and waits for the end of the second.
 */
export class DiscardedMarks {
  readonly #folder: string;

  /** @param folder DATA/content/discarded */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A second time changes nothing: the grace counts from the first. */
  async add(digest: Digest, at: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    try {
      await writeFile(join(this.#folder, digest), String(at), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error;
    }
  }

  /** @returns false when there was none */
  async remove(digest: Digest): Promise<boolean> {
    try {
      await rm(join(this.#folder, digest));
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async has(digest: Digest): Promise<boolean> {
    return exists(join(this.#folder, digest));
  }

  async isDeleting(digest: Digest): Promise<boolean> {
    return exists(join(this.#folder, `${digest}${DELETING}`));
  }

  async startDeleting(digest: Digest): Promise<void> {
    await rename(join(this.#folder, digest), join(this.#folder, `${digest}${DELETING}`));
    await syncFolder(this.#folder);
  }

  async deleted(digest: Digest): Promise<void> {
    await rm(join(this.#folder, `${digest}${DELETING}`), { force: true });
  }

  async list(): Promise<DiscardedMark[]> {
    const marks: DiscardedMark[] = [];
    for (const name of await readdir(this.#folder).catch((): string[] => [])) {
      const deleting = name.endsWith(DELETING);
      const digest = deleting ? name.slice(0, -DELETING.length) : name;
      if (!isDigest(digest)) continue;
      const text = await readFile(join(this.#folder, name), 'utf8').catch(() => undefined);
      if (text !== undefined) marks.push({ digest, at: Number(text), deleting });
    }
    return marks;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
