import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { log } from '../../../lib/log.ts';
import { hasErrorCode, messageOf } from '../../../lib/problem.ts';

/** Mirrors that are kept, the last used ones; and their bytes together. */
const MOST_MIRRORS = 96;
const MOST_BYTES = 20 * 2 ** 30;
/** Of the bytes of a mirror, in its folder. */
const SIZE_FILE = 'bytes';

/** A mirror in use. */
export interface LeasedMirror {
  /** With the files. */
  tree: string;
  /** For files on their way, on the same disk. */
  incoming: string;
  /** For what the engine learns of the files; goes with them. */
  states: string;
  /** Somebody has filled it to the end before. */
  filled: boolean;
  /** @param bytes of its files; absent when it may not be used again */
  release(bytes?: number): Promise<void>;
}

/**
 * Copies of clients' files from their last build, so that the next one only asks for what has changed. A mirror has one
 * user at a time: builds of the same files side by side get one each. They lie below a folder named after this boot of the
 * machine (what a power cut left half written is not found again), and the oldest go when there are too many.
 */
export class Mirrors {
  readonly #folder: string;
  readonly #root: string;
  readonly #leased = new Set<string>();
  #kept: Promise<Map<string, number>> | undefined;
  #last = 0;

  constructor(folder: string) {
    this.#folder = folder;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
    this.#root = join(folder, `mirrors-${boot}`);
  }

  /** @param key whatever tells these files from others; absent: nobody will ask for them again */
  async lease(key: string | undefined): Promise<LeasedMirror> {
    const name =
      key === undefined ? `passing-${++this.#last}` : createHash('sha256').update(key).digest('hex').slice(0, 32);
    const folder = join(this.#root, this.#free(name));
    const tree = join(folder, 'tree');
    const incoming = join(folder, 'incoming');
    // without a turn of the thread pool for each: a build leases three mirrors, and there is mostly nothing to remove
    if (key === undefined) rmSync(folder, { recursive: true, force: true });
    rmSync(incoming, { recursive: true, force: true });
    mkdirSync(tree, { recursive: true, mode: 0o755 });
    mkdirSync(incoming);
    const release = async (bytes?: number) => {
      const kept = await this.#known();
      if (bytes === undefined || key === undefined) {
        await rm(folder, { recursive: true, force: true });
        kept.delete(folder);
      } else {
        await writeFile(join(folder, SIZE_FILE), String(bytes));
        kept.delete(folder); // the last used is the last in the order
        kept.set(folder, bytes);
      }
      this.#leased.delete(folder);
      await this.#prune(MOST_MIRRORS, MOST_BYTES).catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'docker: mirrors of contexts could not be removed'),
      );
    };
    const states = join(folder, 'states');
    return { tree, incoming, states, filled: existsSync(join(folder, SIZE_FILE)), release };
  }

  /** Removes all that nobody uses. @returns their bytes */
  async clear(): Promise<number> {
    return await this.#prune(0, 0);
  }

  /** The first of that name which nobody uses. */
  #free(name: string): string {
    for (let n = 0; ; n++) {
      const folder = join(this.#root, `${name}-${n}`);
      if (this.#leased.has(folder)) continue;
      this.#leased.add(folder);
      return `${name}-${n}`;
    }
  }

  async #prune(mostMirrors: number, mostBytes: number): Promise<number> {
    const kept = await this.#known();
    let [count, sum, removed] = [0, 0, 0];
    for (const [folder, bytes] of [...kept].reverse()) {
      count++;
      sum += bytes;
      if ((count <= mostMirrors && sum <= mostBytes) || this.#leased.has(folder)) continue;
      this.#leased.add(folder); // until it is gone
      kept.delete(folder);
      await rm(folder, { recursive: true, force: true });
      this.#leased.delete(folder);
      removed += bytes;
    }
    return removed;
  }

  /** Bytes by folder, the last used last: read from the disk once, because every build asks several times. */
  #known(): Promise<Map<string, number>> {
    this.#kept ??= this.#sweep().then(() => readKept(this.#root));
    return this.#kept;
  }

  /** What is left of earlier boots. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(noneIfAbsent)) {
      const folder = join(this.#folder, name);
      if (name.startsWith('mirrors-') && folder !== this.#root) await rm(folder, { recursive: true, force: true });
    }
  }
}

async function readKept(root: string): Promise<Map<string, number>> {
  const found: { folder: string; bytes: number; usedAt: number }[] = [];
  for (const name of await readdir(root).catch(noneIfAbsent)) {
    const folder = join(root, name);
    const file = join(folder, SIZE_FILE);
    const bytes = Number(await readFile(file, 'utf8').catch(() => '0'));
    const usedAt = await stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    found.push({ folder, bytes, usedAt });
  }
  return new Map(found.sort((a, b) => a.usedAt - b.usedAt).map(({ folder, bytes }) => [folder, bytes]));
}

function noneIfAbsent(error: unknown): string[] {
  if (hasErrorCode(error, 'ENOENT')) return [];
  throw error;
}
