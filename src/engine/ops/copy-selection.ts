import type { CopyOperation } from '../../dockerfile/program.ts';
import { type Digest, digestOf } from '../../images/digest.ts';
import { type CopiedFile, entryFacts } from '../cache/key.ts';
import type { ContextFiles } from '../context/context-files.ts';
import type { FileIndex } from '../context/file-index.ts';
import { excludePatterns } from '../context/ignore-file.ts';
import { nameMatcher } from '../context/match-name.ts';
import { MissingSource } from '../context/missing-source.ts';
import {
  type Exclusion,
  isGlob,
  NOTHING_EXCLUDED,
  type Selected,
  selectSource,
  similarNames,
  whyNothing,
} from '../context/select.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import { fileBytes } from '../layers/file-bytes.ts';
import { PassingBytes } from '../layers/passing-bytes.ts';
import { isArchive } from '../sources/is-archive.ts';
import { cleanPath } from '../trees/entry.ts';
import type { RemoteSource } from './remote-source.ts';

/** Where COPY reads from. */
export interface CopyFrom {
  tree: SourceTree;
  exclusion: Exclusion;
  /** Digests by stat data; only for a context, whose files stay from build to build. */
  index?: FileIndex;
  context?: ContextFiles;
}

/** What one COPY or ADD copies, and how much of its content is known so far. */
export class CopySelection {
  readonly #archives = new Set<SourceEntry>();
  readonly #from: CopyFrom;
  readonly #operation: CopyOperation;
  /** Of the context or the tree of --from, each with the number of its source. */
  readonly #local: { at: number; item: Selected }[] = [];
  readonly #remotes: readonly RemoteSource[];
  readonly #fetched: { at: number; item: Selected }[] = [];
  /** Where what was fetched is. */
  readonly #trees = new Map<SourceEntry, SourceTree>();
  readonly #open: SourceTree[] = [];
  /** Of files with several names, by inode: one of the names is read, the others become hard links of the layer. */
  readonly #linked = new Map<string, Digest>();

  /** @throws Problem `not-found` with docker's text and what may have been meant */
  static async of(
    operation: CopyOperation,
    from: CopyFrom,
    remotes: readonly RemoteSource[] = [],
  ): Promise<CopySelection> {
    const selection = new CopySelection(operation, from, remotes);
    if (operation.kind === 'add' && operation.unpack !== false) await selection.#findArchives(selection.#local);
    return selection;
  }

  private constructor(operation: CopyOperation, from: CopyFrom, remotes: readonly RemoteSource[]) {
    this.#from = from;
    this.#operation = operation;
    this.#remotes = remotes;
    for (const [at, source] of operation.sources.entries()) {
      if (remotes.some((remote) => remote.at === at)) continue;
      for (const item of this.#select(source)) this.#local.push({ at, item });
    }
    if (this.#local.length + remotes.length + operation.inline.length === 0)
      throw new MissingSource('COPY failed: no source files were specified', operation.sources[0] ?? '', {
        place: operation.place,
        hint: whyNothing(from.tree, operation.sources, nameMatcher(), (path) => from.context?.whyExcluded(path)),
      });
    for (const entry of this.#files()) this.#learn(entry, from.index?.digest(entry.path, entry));
  }

  /** In the order of the sources, as far as they are here. */
  get selected(): Selected[] {
    const all = this.#fetched.length === 0 ? this.#local : [...this.#local, ...this.#fetched];
    return (all === this.#local ? all : all.sort((a, b) => a.at - b.at)).map(({ item }) => item);
  }

  /** What ADD unpacks. */
  get archives(): ReadonlySet<SourceEntry> {
    return this.#archives;
  }

  /** Where the bytes of an entry are. */
  treeOf(entry: SourceEntry): SourceTree {
    return this.#trees.get(entry) ?? this.#from.tree;
  }

  /** Brings what ADD's addresses mean. @throws Problem */
  async fetch(): Promise<void> {
    const without = this.#without();
    for (const remote of this.#remotes) {
      const { tree, path } = await remote.open();
      this.#open.push(tree);
      const rules = { exclusion: NOTHING_EXCLUDED, without, matches: nameMatcher(), deep: false };
      for (const item of selectSource(tree, path, rules)) {
        for (const entry of [item.entry, ...item.content]) this.#trees.set(entry, tree);
        this.#fetched.push({ at: remote.at, item });
      }
    }
    // docker unpacks what it fetched only when it is told to
    if (this.#operation.unpack === true) await this.#findArchives(this.#fetched);
  }

  close(): void {
    for (const tree of this.#open) tree.close();
  }

  /** Notes what a file turned out to hold; `seenMs` is when it was opened. */
  measured(entry: SourceEntry, digest: Digest, seenMs: number): void {
    if (this.#trees.has(entry)) return;
    this.#learn(entry, digest);
    this.#from.index?.note(entry.path, entry, digest, seenMs);
  }

  /**
   * Reads the files whose content isn't known: those that no layer has, because a later one took their name, or all of them
   * before a layer is written.
   */
  async readUnwritten(): Promise<void> {
    for (const entry of this.#files()) {
      if (this.#digestOf(entry) !== undefined) continue;
      const seenMs = Date.now();
      const { fd, size } = this.#from.tree.open(entry.path);
      const bytes = new PassingBytes(fileBytes(fd, size), false);
      for await (const _ of bytes);
      this.measured(entry, bytes.finish(), seenMs);
    }
  }

  /** Facts for the key, made anew whenever they are gone through; undefined while some file's content isn't known. */
  files(): Iterable<CopiedFile> | undefined {
    for (const entry of this.#files()) if (this.#digestOf(entry) === undefined) return undefined;
    return { [Symbol.iterator]: () => this.#copied() };
  }

  *#copied(): Generator<CopiedFile, void, undefined> {
    for (const { name, content } of this.#operation.inline)
      yield { path: name, name: `<<${name}`, facts: ['inline', digestOf(content)] };
    const { parents } = this.#operation;
    for (const remote of this.#remotes)
      yield { path: remote.name, name: remote.shown, facts: [remote.at, ...remote.facts()] };
    for (const [i, { item }] of this.#local.entries()) {
      const { name, kept, folders, entry, content } = item;
      for (const folder of folders) {
        const facts = this.#facts(folder.entry);
        yield { path: kept, name: `${folder.entry.path}/`, facts: [i, 'kept', folder.name, ...facts] };
      }
      if (entry.type !== 'folder') {
        yield { path: parents ? kept : name, name: entry.path, facts: [i, ...this.#facts(entry)] };
        continue;
      }
      // an empty folder, too, makes its destination; and --parents keeps the source's path
      yield { path: parents ? kept : '', name: `${entry.path}/`, facts: [i, 'folder'] };
      const prefix = entry.path === '' ? 0 : entry.path.length + 1;
      for (const below of content) {
        const name = below.type === 'folder' ? `${below.path}/` : below.path;
        yield { path: below.path.slice(prefix), name, facts: [i, ...this.#facts(below)] };
      }
    }
  }

  #facts(entry: SourceEntry): (string | number)[] {
    if (entry.type !== 'file') return entryFacts(entry, '');
    const digest = this.#digestOf(entry);
    if (digest === undefined) throw new Error(`${entry.path} was not read`);
    return entryFacts(entry, digest);
  }

  #digestOf(entry: SourceEntry): Digest | undefined {
    return entry.digest ?? (entry.links > 1 ? this.#linked.get(inodeOf(entry)) : undefined);
  }

  #learn(entry: SourceEntry, digest: Digest | undefined): void {
    if (digest === undefined) return;
    entry.digest = digest;
    if (entry.links > 1) this.#linked.set(inodeOf(entry), digest);
  }

  *#files(): Iterable<SourceEntry> {
    for (const { item } of this.#local) {
      const { entry, content } = item;
      if (entry.type === 'file') yield entry;
      for (const below of content) if (below.type === 'file') yield below;
    }
  }

  #select(source: string): Selected[] {
    const { tree, exclusion, context } = this.#from;
    const found = selectSource(tree, source, {
      exclusion,
      without: this.#without(),
      matches: nameMatcher(),
      deep: this.#operation.parents,
    });
    if (found.length > 0 || isGlob(source)) return found;
    const path = cleanPath(source);
    const kind = this.#operation.kind.toUpperCase();
    const message =
      context === undefined
        ? `${kind} failed: stat ${path}: file does not exist`
        : `${kind} failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`;
    const similar = similarNames(tree, path);
    throw new MissingSource(message, path, {
      place: this.#operation.place,
      hint: context?.whyExcluded(path) ?? (similar.length === 0 ? undefined : `Did you mean ${similar.join(' or ')}?`),
    });
  }

  #without(): Exclusion {
    const { exclude } = this.#operation;
    return exclude.length === 0 ? NOTHING_EXCLUDED : excludePatterns(exclude);
  }

  async #findArchives(among: readonly { item: Selected }[]): Promise<void> {
    for (const { item } of among) {
      if (item.entry.type !== 'file') continue;
      const { fd, size } = this.treeOf(item.entry).open(item.entry.path);
      if (await isArchive(fileBytes(fd, size))) this.#archives.add(item.entry);
    }
  }
}

function inodeOf({ dev, ino }: SourceEntry): string {
  return `${dev}:${ino}`;
}
