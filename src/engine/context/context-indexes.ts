import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { FileIndex } from './file-index.ts';

/** Contexts whose index stays in memory for a resident engine. */
const KEPT_INDEXES = 16;

const DESCRIPTORS = '/proc/self/fd/';

/** The indexes of the contexts that were built lately. */
export class ContextIndexes {
  readonly #folder: string;
  readonly #kept = new LatelyUsed<string, FileIndex>(KEPT_INDEXES);

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * A folder given by its descriptor is a build's own: the number means another one in the next build.
   * @param file where it is kept, for a folder that somebody else removes one day together with that file
   */
  async of(context: string, file?: string): Promise<FileIndex> {
    const real = await realpath(context);
    const known = this.#kept.get(real);
    if (known !== undefined) return known;
    const index = context.startsWith(DESCRIPTORS)
      ? FileIndex.passing()
      : await FileIndex.open(file ?? join(this.#folder, nameOf(real)));
    this.#kept.set(real, index);
    return index;
  }
}

function nameOf(context: string): string {
  return `${createHash('sha256').update(context).digest('hex').slice(0, 32)}.states`;
}
