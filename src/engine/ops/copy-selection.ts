import type { CopyOperation } from '../../dockerfile/program.ts';
import { decompress } from '../../images/decompress.ts';
import { type Digest, digestOf } from '../../images/digest.ts';
import { readTar } from '../../images/tar/read.ts';
import { Problem } from '../../lib/problem.ts';
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
} from '../context/select.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import type { CopiedFile } from '../key.ts';
import { fileBytes } from '../layers/file-bytes.ts';
import { PassingBytes } from '../layers/write-layer.ts';
import { cleanPath } from '../trees/entry.ts';

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
  readonly selected: readonly Selected[];
  readonly #archives = new Set<string>();
  readonly #from: CopyFrom;
  readonly #operation: CopyOperation;
  /** By `contentKey`. */
  readonly #digests = new Map<string, Digest>();

  /** @throws Problem `not-found` with docker's text and what may have been meant */
  static async of(operation: CopyOperation, from: CopyFrom): Promise<CopySelection> {
    const selection = new CopySelection(operation, from);
    if (operation.kind === 'add' && operation.unpack !== false) await selection.#findArchives();
    return selection;
  }

  private constructor(operation: CopyOperation, from: CopyFrom) {
    this.#from = from;
    this.#operation = operation;
    this.selected = operation.sources.flatMap((source) => this.#select(source));
    if (this.selected.length === 0 && operation.inline.length === 0)
      throw new MissingSource('COPY failed: no source files were specified', operation.sources[0] ?? '', {
        place: operation.place,
        hint: `Nothing matches ${operation.sources.join(' ')}.`,
      });
    for (const entry of this.#files()) {
      const digest = from.index?.digest(entry.path, entry);
      if (digest !== undefined) this.#digests.set(contentKey(entry), digest);
    }
  }

  /** Real paths of what ADD unpacks. */
  get archives(): ReadonlySet<string> {
    return this.#archives;
  }

  get tree(): SourceTree {
    return this.#from.tree;
  }

  /** Notes what a file turned out to hold; `seenMs` is when it was opened. */
  measured(entry: SourceEntry, digest: Digest, seenMs: number): void {
    this.#digests.set(contentKey(entry), digest);
    this.#from.index?.note(entry.path, entry, digest, seenMs);
  }

  /**
   * Reads the files whose content isn't known: those that no layer has, because a later one took their name, or all of them
   * before a layer is written.
   */
  async readUnwritten(): Promise<void> {
    for (const entry of this.#files()) {
      if (this.#digests.has(contentKey(entry))) continue;
      const seenMs = Date.now();
      const { fd, size } = this.tree.open(entry.path);
      const bytes = new PassingBytes(fileBytes(fd, size), false);
      for await (const _ of bytes);
      this.measured(entry, bytes.finish(), seenMs);
    }
  }

  /** Facts for the key; undefined while some file's content isn't known. */
  files(): CopiedFile[] | undefined {
    const out: CopiedFile[] = this.#operation.inline.map(({ name, content }) => ({
      path: name,
      name: `<<${name}`,
      facts: ['inline', digestOf(content)],
    }));
    const { parents } = this.#operation;
    for (const [i, { name, kept, entry, content }] of this.selected.entries()) {
      if (entry.type !== 'folder') {
        const facts = this.#facts(entry);
        if (facts === undefined) return undefined;
        out.push({ path: parents ? kept : name, name: entry.path, facts: [i, ...facts] });
        continue;
      }
      // an empty folder, too, makes its destination; and --parents keeps the source's path
      out.push({ path: parents ? kept : '', name: `${entry.path}/`, facts: [i, 'folder'] });
      const prefix = entry.path === '' ? 0 : entry.path.length + 1;
      for (const below of content) {
        const facts = this.#facts(below);
        if (facts === undefined) return undefined;
        const name = below.type === 'folder' ? `${below.path}/` : below.path;
        out.push({ path: below.path.slice(prefix), name, facts: [i, ...facts] });
      }
    }
    return out;
  }

  #facts(entry: SourceEntry): (string | number)[] | undefined {
    const { type, mode, uid, gid, size, link, device, xattrs } = entry;
    const digest = type === 'file' ? this.#digests.get(contentKey(entry)) : '';
    if (digest === undefined) return undefined;
    const attributes = Object.entries(xattrs ?? {}).map(([key, value]) => `${key}=${value.toString('base64')}`);
    const node = device === undefined ? '' : `${device.major}:${device.minor}`;
    return [type, mode, uid, gid, size, digest, link ?? '', node, ...attributes.sort()];
  }

  *#files(): Iterable<SourceEntry> {
    for (const { entry, content } of this.selected) {
      if (entry.type === 'file') yield entry;
      for (const below of content) if (below.type === 'file') yield below;
    }
  }

  #select(source: string): Selected[] {
    const { tree, exclusion, context } = this.#from;
    const { exclude } = this.#operation;
    const found = selectSource(tree, source, {
      exclusion,
      without: exclude.length === 0 ? NOTHING_EXCLUDED : excludePatterns(exclude),
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

  async #findArchives(): Promise<void> {
    for (const { entry } of this.selected)
      if (entry.type === 'file' && (await isArchive(this.#from.tree, entry))) this.#archives.add(entry.path);
  }
}

/** Docker unpacks by content and not by name: whatever begins with a tar's entry once it is decompressed. */
async function isArchive(tree: SourceTree, entry: SourceEntry): Promise<boolean> {
  const { fd, size } = tree.open(entry.path);
  try {
    for await (const _ of readTar(decompress(fileBytes(fd, size)))) return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return false;
}

/** A file with several names is read by one of them only: the others become hard links of the layer. */
function contentKey({ path, links, dev, ino }: SourceEntry): string {
  return links > 1 ? `${dev}:${ino}` : path;
}
