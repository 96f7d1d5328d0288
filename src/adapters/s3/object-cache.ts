import { type FileHandle, open, rm, stat, utimes } from 'node:fs/promises';
import type { Digest } from '../../images/digest.ts';
import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, messageOf } from '../../lib/problem.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import { BlobFiles } from '../disk/blob-files.ts';

/** Whoever asked for a path opens or links the file within this time. */
const PINNED_MS = 10 * 60 * 1000;
/** A use is noted again after so long; the order of eviction needn't be finer. */
const NOTED_MS = 60 * 1000;
/** After so much of the limit was added, the folder is looked through. */
const STEP = 1 / 20;
/** Then it is emptied to this part of the limit, so that it isn't full again at once. */
const KEPT = 9 / 10;

/** Whether somebody is about to use its path, or it is only good to have. */
export type CopyUse = 'path' | 'later';

interface CachedFile {
  path: string;
  size: number;
  neededUntil: number;
}

/**
 * Copies of objects as files, laid out as blobs on disk are: what was on disk before its content moved to a bucket is such
 * a copy without further ado. A file's modification time says until when it was needed, so that all processes of the machine
 * agree on what goes first; beyond the limit, what was used longest ago goes. Hard links that others made stay theirs.
 */
export class ObjectCache {
  readonly #files: BlobFiles;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #added = 0;
  #trimming: Promise<void> | undefined;

  /** @param folder DATA/content */
  constructor(folder: string, maxBytes: number, clock: Clock) {
    this.#files = new BlobFiles(folder);
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** An open copy stays readable, whatever is evicted. Undefined when there is none of that size. */
  async open({ digest, size }: BlobInfo): Promise<FileHandle | undefined> {
    const path = this.#files.path(digest);
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const info = await handle.stat();
    if (info.size !== size) {
      await handle.close();
      return undefined;
    }
    const now = this.#clock.now();
    if (info.mtimeMs < now - NOTED_MS) await this.#need(path, 'later');
    return handle;
  }

  /** The path of a copy, which stays for ten minutes at least; undefined when there is none. */
  async path({ digest, size }: BlobInfo): Promise<string | undefined> {
    const path = this.#files.path(digest);
    // first the date: what is dated into the future can't be evicted between the two
    if (!(await this.#need(path, 'path'))) return undefined;
    return (await this.#files.size(digest)) === size ? path : undefined;
  }

  /** Keeps a finished, flushed file as the copy of an object; the file's other names stay. */
  async place(file: string, { digest, size }: BlobInfo, use: CopyUse): Promise<void> {
    const path = this.#files.path(digest);
    await utimes(file, ...this.#until(use));
    await this.#files.place(file, digest);
    await this.#need(path, use); // another process may have placed its own
    this.#added += size;
    if (this.#added < this.#maxBytes * STEP) return;
    this.#added = 0;
    this.#trimming ??= this.trim()
      .catch((error: unknown) =>
        log.error({ error: messageOf(error) }, 'the copies of objects could not be looked through'),
      )
      .finally(() => {
        this.#trimming = undefined;
      });
  }

  async drop(digest: Digest): Promise<void> {
    await rm(this.#files.path(digest), { force: true });
  }

  /** Evicts down to the limit. */
  async trim(): Promise<void> {
    const files = await this.#all();
    let bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (bytes <= this.#maxBytes) return;
    const now = this.#clock.now();
    for (const file of files.sort((a, b) => a.neededUntil - b.neededUntil)) {
      if (bytes <= this.#maxBytes * KEPT || file.neededUntil > now) return;
      await rm(file.path, { force: true });
      bytes -= file.size;
    }
  }

  /** Waits for an eviction under way. */
  async settle(): Promise<void> {
    await this.#trimming;
  }

  /** Times of access and of modification, in seconds. */
  #until(use: CopyUse): [number, number] {
    const seconds = (this.#clock.now() + (use === 'path' ? PINNED_MS : 0)) / 1000;
    return [seconds, seconds];
  }

  async #need(path: string, use: CopyUse): Promise<boolean> {
    try {
      await utimes(path, ...this.#until(use));
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async #all(): Promise<CachedFile[]> {
    const files: CachedFile[] = [];
    for await (const blobs of this.#files.list())
      for (const { digest } of blobs) {
        const path = this.#files.path(digest);
        const info = await stat(path).catch(() => undefined);
        if (info !== undefined) files.push({ path, size: info.size, neededUntil: info.mtimeMs });
      }
    return files;
  }
}
