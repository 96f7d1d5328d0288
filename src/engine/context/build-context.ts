import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { messageOf, Problem } from '../../lib/problem.ts';
import { cleanPath, parentOf } from '../trees/entry.ts';
import { FileIndex } from './file-index.ts';
import { FolderTree } from './folder-tree.ts';
import { IgnoreFile } from './ignore-file.ts';
import { MissingSource } from './missing-source.ts';
import { type Exclusion, similarNames } from './select.ts';

/** A Dockerfile or ignore file longer than this is a mistake (docker's own limit for a Dockerfile is the same). */
const TEXT_LIMIT = 2 << 20;

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

/** The folder that a build is given: its files, what of them may be copied, and what is known of them. */
export class BuildContext {
  readonly tree: FolderTree;
  readonly index: FileIndex;
  readonly exclusion: Exclusion;
  readonly dockerfile: { name: string; text: string };
  readonly #ignore: IgnoreFile | undefined;

  private constructor(
    tree: FolderTree,
    index: FileIndex,
    dockerfile: { name: string; text: string },
    ignore: IgnoreFile | undefined,
  ) {
    this.tree = tree;
    this.index = index;
    this.dockerfile = dockerfile;
    this.#ignore = ignore;
    this.exclusion = ignore ?? { excludes: () => false, prunes: () => false };
  }

  /**
   * Opens the folder and reads the Dockerfile and the ignore file that goes with it: `<Dockerfile>.dockerignore` beside
   * it wins over `.dockerignore` of the context. Both are readable whatever the rules say.
   * @throws Problem `not-found` (MissingSource for the Dockerfile), `invalid` for a bad pattern
   */
  static async open(
    folder: string,
    dockerfile: { path: string } | { text: string; name: string },
    indexes: ContextIndexes,
  ): Promise<BuildContext> {
    const tree = new FolderTree(folder, { foreign: true });
    try {
      const file = 'text' in dockerfile ? dockerfile : readDockerfile(tree, dockerfile.path);
      const ignore = findIgnoreFile(tree, 'path' in dockerfile ? cleanPath(dockerfile.path) : undefined);
      return new BuildContext(tree, await indexes.of(folder), file, ignore);
    } catch (error) {
      tree.close();
      throw error;
    }
  }

  /** Names the rule that keeps a path from being copied, for the complaint about it. */
  whyExcluded(path: string): string | undefined {
    if (this.tree.find(path, false) === undefined) return undefined;
    return this.#ignore?.reason(path);
  }

  async close(): Promise<void> {
    this.tree.close();
    await this.index.save();
  }
}

function readDockerfile(tree: FolderTree, path: string): { name: string; text: string } {
  const clean = cleanPath(path);
  const text = readText(tree, clean);
  if (text !== undefined) return { name: clean, text };
  const similar = similarNames(tree, clean);
  throw new MissingSource(`failed to read dockerfile: open ${clean}: no such file or directory`, clean, {
    hint:
      similar.length > 0
        ? `Did you mean ${similar.join(' or ')}? Name it with -f.`
        : `The context has no ${clean}${parentOf(clean) === '' ? '' : ` (the path is below the context's root)`}.`,
  });
}

function findIgnoreFile(tree: FolderTree, dockerfile: string | undefined): IgnoreFile | undefined {
  const names = [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), '.dockerignore'];
  for (const name of names) {
    const text = readText(tree, name);
    if (text !== undefined) return new IgnoreFile(text, name);
  }
  return undefined;
}

function readText(tree: FolderTree, path: string): string | undefined {
  if (tree.find(path, true)?.type !== 'file') return undefined;
  const { fd } = tree.open(path);
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
