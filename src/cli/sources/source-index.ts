import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { replaceFile } from '../../lib/replace-file.ts';
import { type PieceId, splitPieceIds } from '../../stores/sources/piece.ts';

/**
 * A change within this time before the file was read may leave its times as they were: the kernel stamps files with the time
 * of the last timer tick. Such a file is read again, as git does with racy entries.
 */
const RACY_NS = 50_000_000n;

/** Of folders that nobody submits any more. */
const OLD_MS = 60 * 24 * 60 * 60 * 1000;

const FORMAT = 'slipway-index/1';

interface Known {
  state: string;
  pieces: PieceId[];
}

/**
 * Pieces of the files of one folder, by what their inode says, so that a submit reads no file that it has read before.
 * Losing it costs time only; whatever can't be read in it is as if it weren't there.
 */
export class SourceIndex {
  readonly #file: string;
  readonly #before: ReadonlyMap<string, Known>;
  readonly #now = new Map<string, Known>();
  #changed = false;

  private constructor(file: string, before: ReadonlyMap<string, Known>) {
    this.#file = file;
    this.#before = before;
  }

  /** Of a folder, in the person's cache folder (XDG Base Directory Specification). */
  static async open(folder: string): Promise<SourceIndex> {
    const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
    const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
    const file = join(cache, 'slipway', 'sources', name);
    const text = await readFile(file, 'utf8').catch(() => '');
    return new SourceIndex(file, parse(text));
  }

  /** Undefined when it may have changed since it was read. */
  pieces(path: string, stat: BigIntStats): PieceId[] | undefined {
    const known = this.#before.get(path);
    if (known === undefined || known.state !== stateOf(stat)) return undefined;
    this.#now.set(path, known);
    return known.pieces;
  }

  /** @param stat of before its first byte was read, which was at `openedNs` (since 1970) */
  note(path: string, stat: BigIntStats, pieces: PieceId[], openedNs: bigint): void {
    this.#changed = true;
    const settled = openedNs - RACY_NS;
    if (stat.mtimeNs < settled && stat.ctimeNs < settled) this.#now.set(path, { state: stateOf(stat), pieces });
  }

  /** Keeps what was asked for and noted; files that are gone are forgotten. */
  async save(): Promise<void> {
    if (!this.#changed && this.#now.size === this.#before.size) return;
    const lines = [FORMAT];
    for (const [path, { state, pieces }] of this.#now) lines.push(JSON.stringify([path, state, pieces.join('')]));
    const folder = dirname(this.#file);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await dropOld(folder);
    await replaceFile(this.#file, `${lines.join('\n')}\n`, 0o600);
  }
}

async function dropOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })); // another submit may do the same
    if (Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
  }
}

function parse(text: string): Map<string, Known> {
  const known = new Map<string, Known>();
  const [format, ...lines] = text.split('\n');
  if (format !== FORMAT) return known;
  for (const line of lines) {
    if (line === '') continue;
    try {
      const [path, state, ids] = JSON.parse(line) as [string, string, string];
      const pieces = splitPieceIds(ids);
      if (pieces !== undefined) known.set(path, { state, pieces });
    } catch {
      return new Map(); // cut off, or not ours
    }
  }
  return known;
}

function stateOf({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): string {
  return `${size}.${mtimeNs}.${ctimeNs}.${ino}.${dev}`;
}
