import type { FileIndex } from './file-index.ts';
import type { Exclusion } from './select.ts';
import type { SourceTree } from './source-tree.ts';

/** A folder that COPY, ADD and mounts take files from: the build context, or a named one. */
export interface ContextFiles {
  readonly tree: SourceTree;
  /** The folder itself, on this machine. */
  readonly folder: string;
  /** What its ignore file keeps out. */
  readonly exclusion: Exclusion;
  /** Digests by stat data. */
  readonly index: FileIndex;
  /** Names the rule that keeps a path from being copied, for the complaint about it. */
  whyExcluded(path: string): string | undefined;
}
