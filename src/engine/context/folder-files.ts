import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { ContextFiles } from './context-files.ts';
import type { FileIndex } from './file-index.ts';
import { FolderTree } from './folder-tree.ts';
import { IgnoreFile } from './ignore-file.ts';
import { type Exclusion, NOTHING_EXCLUDED } from './select.ts';

/** A Dockerfile or ignore file longer than this is a mistake (docker's own limit for a Dockerfile is the same). */
export const TEXT_LIMIT = 2 << 20;

/** A folder of this machine as a context: its files belong to root, and its ignore file keeps some of them out. */
export class FolderFiles implements ContextFiles {
  readonly tree: FolderTree;
  readonly folder: string;
  readonly index: FileIndex;
  #ignore: IgnoreFile | undefined;

  /** @throws Problem `not-found` when there is no such folder */
  constructor(folder: string, index: FileIndex) {
    this.tree = new FolderTree(folder, { foreign: true });
    this.folder = folder;
    this.index = index;
  }

  /** Obeys the first of these ignore files that is there. @throws Problem `invalid` for a bad pattern */
  obeyFirst(names: readonly string[]): void {
    for (const name of names) {
      const text = this.text(name);
      if (text === undefined) continue;
      this.obey(text, name);
      return;
    }
  }

  /** @throws Problem `invalid` for a bad pattern */
  obey(text: string, name: string): void {
    this.#ignore = new IgnoreFile(text, name);
  }

  get exclusion(): Exclusion {
    return this.#ignore ?? NOTHING_EXCLUDED;
  }

  whyExcluded(path: string): string | undefined {
    if (this.tree.find(path, false) === undefined) return undefined;
    return this.#ignore?.reason(path);
  }

  /** The text of a small file, whatever the ignore rules say; undefined when there is none. */
  text(path: string): string | undefined {
    if (this.tree.find(path, true)?.type !== 'file') return undefined;
    const { fd } = this.tree.open(path);
    try {
      if (fstatSync(fd).size > TEXT_LIMIT)
        throw new Problem('invalid', `${path} is longer than ${TEXT_LIMIT >> 20} MiB: it can't be what it is named`);
      return readFileSync(fd, 'utf8');
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem('failed', `${path} can't be read: ${messageOf(error)}`, { cause: error });
    } finally {
      closeSync(fd);
    }
  }

  async close(): Promise<void> {
    this.tree.close();
    await this.index.save();
  }
}
