import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../images/digest.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/** A file's state as `stat` tells it; equal states mean equal bytes, unless the entry is racy. */
export interface FileState {
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  ino: bigint;
  mode: number;
}

type Row = [state: string, digest: Digest, seenMs: number];

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
  readonly #rows: Map<string, Row>;
  #changed = false;

  private constructor(file: string | undefined, rows: Map<string, Row>) {
    this.#file = file;
    this.#rows = rows;
  }

  static async open(folder: string, context: string): Promise<FileIndex> {
    const name = createHash('sha256').update(context).digest('hex').slice(0, 32);
    const file = join(folder, `${name}.json`);
    try {
      const rows: unknown = JSON.parse(await readFile(file, 'utf8'));
      return new FileIndex(file, new Map(Array.isArray(rows) ? (rows as [string, Row][]) : []));
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT') && !(error instanceof SyntaxError)) throw error;
      return new FileIndex(file, new Map());
    }
  }

  /** For a folder that goes with its build: nobody comes back to what a file would keep. */
  static passing(): FileIndex {
    return new FileIndex(undefined, new Map());
  }

  digest(path: string, state: FileState): Digest | undefined {
    const row = this.#rows.get(path);
    if (row === undefined || row[0] !== stateText(state)) return undefined;
    const before = BigInt(row[2] - RACY_MS) * 1_000_000n;
    return state.mtimeNs < before && state.ctimeNs < before ? row[1] : undefined;
  }

  /** @param seenMs when the file was opened, before its first byte was read */
  note(path: string, state: FileState, digest: Digest, seenMs: number): void {
    if (this.#rows.size >= LIMIT) this.#rows.clear();
    this.#rows.set(path, [stateText(state), digest, seenMs]);
    this.#changed = true;
  }

  /** Writes the file when anything was learnt since the last time. */
  async save(): Promise<void> {
    if (!this.#changed || this.#file === undefined) return;
    this.#changed = false;
    await mkdir(join(this.#file, '..'), { recursive: true });
    await writeDurably(this.#file, JSON.stringify([...this.#rows]));
  }
}

function stateText(state: FileState): string {
  return `${state.size} ${state.mtimeNs} ${state.ctimeNs} ${state.ino} ${state.mode}`;
}
