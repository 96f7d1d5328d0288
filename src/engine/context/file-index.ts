import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../images/digest.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { type FileState, FileStates } from './file-states.ts';

/**
 * A change within this time after the file was read may leave its times as they were: the kernel stamps files with the
 * time of the last timer tick (10 ms at 100 Hz), so such an entry is hashed again, as git does with racy entries.
 */
const RACY_MS = 50;

/** Entries kept per context. Beyond that the file would cost more to read than small contexts cost to hash. */
const LIMIT = 200_000;

/**
 * Digests of a context's files by their stat data, so that an unchanged context is never read again. Kept in memory for a
 * resident engine and in a file per context folder for the next process; losing it costs time only.
 */
export class FileIndex {
  readonly #file: string | undefined;
  readonly #states: FileStates;
  #changed = false;

  private constructor(file: string | undefined, states: FileStates) {
    this.#file = file;
    this.#states = states;
  }

  static async open(file: string): Promise<FileIndex> {
    try {
      return new FileIndex(file, FileStates.from(await readFile(file)));
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      return new FileIndex(file, new FileStates());
    }
  }

  /** For a folder that goes with its build: nobody comes back to what a file would keep. */
  static passing(): FileIndex {
    return new FileIndex(undefined, new FileStates());
  }

  digest(path: string, state: FileState): Digest | undefined {
    const known = this.#states.find(path, state);
    if (known === undefined) return undefined;
    const before = BigInt(known.seenMs - RACY_MS) * 1_000_000n;
    return state.mtimeNs < before && state.ctimeNs < before ? known.digest : undefined;
  }

  /** @param seenMs when the file was opened, before its first byte was read */
  note(path: string, state: FileState, digest: Digest, seenMs: number): void {
    if (this.#states.count >= LIMIT) this.#states.clear();
    this.#states.set(path, state, { digest, seenMs });
    this.#changed = true;
  }

  /** Writes the file when anything was learnt since the last time. */
  async save(): Promise<void> {
    if (!this.#changed || this.#file === undefined) return;
    this.#changed = false;
    await mkdir(join(this.#file, '..'), { recursive: true });
    await writeDurably(this.#file, this.#states.toBytes());
  }
}
