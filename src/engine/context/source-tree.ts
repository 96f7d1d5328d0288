import type { Digest } from '../../images/digest.ts';
import type { TreeEntry } from '../trees/entry.ts';

/** An entry of a tree on disk, with what tells one state of a file from another without reading it. */
export interface SourceEntry extends TreeEntry {
  dev: bigint;
  ino: bigint;
  links: number;
  ctimeNs: bigint;
  /** Of a file's bytes, once somebody has read them or knows them by these stat data. */
  digest?: Digest | undefined;
}

/** A file open for reading, together with its state at that moment. */
export interface OpenFile {
  fd: number;
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  ino: bigint;
}

/**
 * A folder that COPY and ADD read: a build context, or the tree of another stage or image. Whatever its content does, no
 * path leads out of it: absolute links begin at its root, and a link that is swapped in while we read is not followed.
 */
export interface SourceTree {
  /**
   * What a path means, links in it followed inside the root; `path` of the answer is the real one.
   * @param followLast false: a link in the last place is given back as itself
   */
  find(path: string, followLast: boolean): SourceEntry | undefined;
  /** Names in a folder, sorted. */
  names(path: string): string[];
  /**
   * Everything below a folder, each folder before its content, names sorted.
   * @param prune says whether a folder is left out together with all that it holds
   */
  walk(path: string, prune: (path: string) => boolean): Iterable<SourceEntry>;
  /** @throws Problem `failed` when it is no regular file any more */
  open(path: string): OpenFile;
  close(): void;
}
