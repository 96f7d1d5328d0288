import { Problem } from '../../../lib/problem.ts';

/** More entries are a mistake of the person's, or meant to harm: names cost memory and inodes. */
const MOST_ENTRIES = 1_000_000;
const LONGEST_PATH = 4095;
/** Characters of all paths together, which are held until the last file has come. */
const MOST_TEXT = 256 << 20;

/** A folder whose content is being listed. */
export interface OpenFolder {
  /** '' is the root. */
  path: string;
  /** The name in it that came last. */
  last: string;
}

/**
 * Holds the list of a client's files to its order: depth first, every name behind the one before, every folder before what
 * it holds. Whoever keeps to that can name nothing twice, nothing outside, and nothing below what is no folder.
 */
export class ListedPaths<F extends OpenFolder> {
  readonly #open: F[];
  readonly #left: (folder: F) => void;
  #count = 0;
  #text = 0;

  /** @param left told of each folder that nothing more can be listed in */
  constructor(root: F, left: (folder: F) => void) {
    this.#open = [root];
    this.#left = left;
  }

  /** The folder that the next path lies in, and its name there. @throws Problem `invalid` for one that may not come now */
  take(path: string): { folder: F; name: string } {
    this.#text += path.length;
    if (++this.#count > MOST_ENTRIES || this.#text > MOST_TEXT)
      throw new Problem('exhausted', `the context has more than ${MOST_ENTRIES} entries, or names that are as long`, {
        hint: 'Keep folders that the build does not need out by .dockerignore.',
      });
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (path.length > LONGEST_PATH || name === '' || name === '.' || name === '..' || path.includes('\0'))
      throw bad(path);
    const parent = slash < 0 ? '' : path.slice(0, slash);
    let folder = this.#open.at(-1);
    while (folder !== undefined && folder.path !== parent) {
      this.#leave();
      folder = this.#open.at(-1);
    }
    if (folder === undefined || !isBehind(name, folder.last)) throw bad(path);
    folder.last = name;
    return { folder, name };
  }

  enter(folder: F): void {
    this.#open.push(folder);
  }

  /** Nothing follows. */
  end(): void {
    while (this.#open.length > 0) this.#leave();
  }

  #leave(): void {
    const folder = this.#open.pop();
    if (folder !== undefined) this.#left(folder);
  }
}

/** By their bytes, which for most names is the order of their characters. */
function isBehind(name: string, last: string): boolean {
  if (name === last) return false;
  return name > last || Buffer.compare(Buffer.from(name), Buffer.from(last)) > 0;
}

function bad(path: string): Problem {
  return new Problem('invalid', `the client lists ${JSON.stringify(path.slice(0, 200))}, which may not come there`);
}
