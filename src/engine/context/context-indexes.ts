import { realpath } from 'node:fs/promises';
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

  /** A folder given by its descriptor is a build's own: the number means another one in the next build. */
  async of(context: string): Promise<FileIndex> {
    const real = await realpath(context);
    const known = this.#kept.get(real);
    if (known !== undefined) return known;
    const index = context.startsWith(DESCRIPTORS) ? FileIndex.passing() : await FileIndex.open(this.#folder, real);
    this.#kept.set(real, index);
    return index;
  }
}
