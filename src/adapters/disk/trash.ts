import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../lib/remove-tree.ts';

/** How long what was thrown away can still be put back by hand: 7 days, a long weekend and the week that it takes to notice. */
export const TRASH_GRACE_MS = 7 * 24 * 60 * 60 * 1000;

export interface TrashEntry {
  /** Name in the trash folder. */
  file: string;
  /** What was given to `discard`. */
  name: string;
  /** Milliseconds since 1970. */
  discardedAt: number;
}

/**
 * The first of the two steps of every deletion: files are moved out of sight, and only after a grace time unlinked. The
 * time is part of the name (`<ms>~<name>`), because a file's own times change with its hard links and not with its rename.
 */
export class Trash {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves a file or folder of the same file system out of sight. @returns false when there is none */
  async discard(path: string, name: string, now: number): Promise<boolean> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return moved(path, join(this.#folder, `${now}~${name}`));
  }

  async entries(): Promise<TrashEntry[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files.flatMap((file) => {
      const match = /^(\d+)~(.+)$/.exec(file);
      return match === null ? [] : [{ file, name: match[2] as string, discardedAt: Number(match[1]) }];
    });
  }

  /** Undoes a `discard`. */
  async restore(entry: TrashEntry, path: string): Promise<boolean> {
    return moved(join(this.#folder, entry.file), path);
  }

  /** The second step: what was thrown away before this moment is gone for good. @returns how many entries went */
  async empty(before: number): Promise<number> {
    const old = (await this.entries()).filter((entry) => entry.discardedAt < before);
    for (const entry of old) await removeTree(join(this.#folder, entry.file));
    return old.length;
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
