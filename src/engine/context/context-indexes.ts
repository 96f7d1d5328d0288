import { realpath } from 'node:fs/promises';
import { FileIndex } from './file-index.ts';

/** Contexts whose index stays in memory for a resident engine. */
const KEPT_INDEXES = 16;

const DESCRIPTORS = '/proc/self/fd/';

/** The indexes of the contexts that were built lately. */
export class ContextIndexes {
  readonly #folder: string;
  readonly #kept = new Map<string, FileIndex>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A folder given by its descriptor is a build's own: the number means another one in the next build. */
  async of(context: string): Promise<FileIndex> {
    const real = await realpath(context);
    const open = () => (context.startsWith(DESCRIPTORS) ? FileIndex.passing() : FileIndex.open(this.#folder, real));
    const index = this.#kept.get(real) ?? (await open());
    this.#kept.delete(real);
    this.#kept.set(real, index);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_INDEXES) break;
      this.#kept.delete(oldest);
    }
    return index;
  }
}
