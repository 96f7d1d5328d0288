import { type FileHandle, mkdir, open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/problem.ts';
import { encodeSegmentHead, type LogRecord, type OpenLines, RECORD_HEADER, readRecord } from './log-record.ts';

/**
 * How much of a log is kept: `files` times `maxBytes`, as docker's max-file and max-size; all of it when `maxBytes` is 0, and
 * nothing when `files` is.
 */
export interface LogRotation {
  maxBytes: number;
  files: number;
}

const LARGEST_SEGMENT = 8 << 20;
const SMALLEST_SEGMENT = 64 << 10;
const READ_BYTES = 256 << 10;

/**
 * The files of a log: `<position of the first byte>.log`, each of them a few megabytes at most, so that the oldest can go
 * while somebody reads, and the last lines are found without reading all. A crash may cut the last record off; it is taken
 * away before more is written.
 */
export class LogSegments {
  readonly #folder: string;
  readonly #rotation: LogRotation;
  readonly #starts: number[];
  #open: FileHandle | undefined;
  /** Which lines are open at the end. */
  readonly openLines: OpenLines;
  /** Where what is in the files ends. */
  end: number;

  private constructor(folder: string, rotation: LogRotation, starts: number[], end: number, openLines: OpenLines) {
    this.#folder = folder;
    this.#rotation = rotation;
    this.#starts = starts;
    this.end = end;
    this.openLines = openLines;
  }

  /** Of a new container: nothing is on the disk before something is written. */
  static none(folder: string, rotation: LogRotation): LogSegments {
    return new LogSegments(folder, rotation, [], 0, { stdout: false, stderr: false });
  }

  static async of(folder: string, rotation: LogRotation): Promise<LogSegments> {
    const starts = (await namesIn(folder)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
    const last = starts.at(-1);
    const segments = new LogSegments(folder, rotation, starts, 0, { stdout: false, stderr: false });
    if (last === undefined) return segments;
    let end = last;
    for await (const { end: next, record, open } of segments.#recordsOf(last)) {
      end = next;
      if (open !== undefined) Object.assign(segments.openLines, open);
      if (record !== undefined) segments.openLines[record.stream] = !endsLine(record.bytes);
    }
    await truncate(segments.#path(last), end - last);
    segments.end = end;
    return segments;
  }

  get #keepsNothing(): boolean {
    return this.#rotation.files === 0;
  }

  get first(): number {
    return this.#starts[0] ?? this.end;
  }

  /** Beginnings of the files, the oldest first. */
  get starts(): readonly number[] {
    return this.#starts;
  }

  /** Whether what begins at `position` should begin a file. */
  wantsNew(position: number, start: number): boolean {
    const { maxBytes, files } = this.#rotation;
    const kept = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes * files;
    return position - start >= Math.max(SMALLEST_SEGMENT, Math.min(LARGEST_SEGMENT, Math.floor(kept / 4)));
  }

  async begin(position: number, head: Buffer): Promise<void> {
    if (this.#keepsNothing) {
      this.end = position + head.length;
      return;
    }
    await this.rest();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#open = await open(this.#path(position), 'w', 0o600);
    this.#starts.push(position);
    this.end = position;
    await this.write([head]);
    await this.#prune();
  }

  async write(chunks: Buffer[]): Promise<void> {
    if (this.#keepsNothing) {
      for (const { length } of chunks) this.end += length;
      return;
    }
    const last = this.#starts.at(-1) ?? 0;
    this.#open ??= await open(this.#path(last), 'r+');
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#open.write(bytes, at, bytes.length - at, this.end - last + at);
      at += bytesWritten;
    }
    this.end += bytes.length;
  }

  /** Records from a position that is the beginning of one; some of them, at least one unless the file ends there. */
  async read(position: number): Promise<{ records: LogRecord[]; next: number; open?: OpenLines }> {
    const start = this.#starts.findLast((candidate) => candidate <= position);
    if (start === undefined) return { records: [], next: this.first };
    const records: LogRecord[] = [];
    let next = position;
    for await (const item of this.#recordsOf(start, position)) {
      if (item.record !== undefined) records.push(item.record);
      next = item.end;
      if (next - position >= READ_BYTES) break;
    }
    if (next > position) return { records, next };
    // the file ends there: a gap, where the disk was full
    const following = this.#starts.find((candidate) => candidate > position);
    return { records, next: following ?? this.end };
  }

  /** Everything in the file that begins at `start`. */
  async *#recordsOf(
    start: number,
    from = start,
  ): AsyncGenerator<{ end: number; record?: LogRecord; open?: OpenLines }> {
    const handle = await openIfThere(this.#path(start));
    if (handle === undefined) return;
    try {
      let buffer: Buffer = Buffer.alloc(0);
      let at = from - start;
      let wanted = READ_BYTES;
      for (;;) {
        const room = Buffer.allocUnsafeSlow(Math.max(wanted, READ_BYTES));
        buffer.copy(room);
        const { bytesRead } = await handle.read(room, buffer.length, room.length - buffer.length, at + buffer.length);
        buffer = room.subarray(0, buffer.length + bytesRead);
        let used = 0;
        for (;;) {
          const read = readRecord(buffer, used, start + at + used);
          if (read === undefined) return;
          if (read.kind === 'short') {
            wanted = read.needed;
            break;
          }
          used = read.end;
          const end = start + at + used;
          yield read.kind === 'segment' ? { end, open: read.open } : { end, record: read };
        }
        if (bytesRead === 0) return;
        buffer = buffer.subarray(used);
        at += used;
      }
    } finally {
      await handle.close();
    }
  }

  /** The state at the beginning of a file, and its records. */
  async *segment(start: number): AsyncGenerator<{ record?: LogRecord; open?: OpenLines }> {
    yield* this.#recordsOf(start);
  }

  /** The last file that begins before a time, so that nothing older need be read; the oldest when none does. */
  async before(time: bigint): Promise<{ start: number; open: OpenLines }> {
    let found = { start: this.first, open: { stdout: false, stderr: false } };
    for (const start of [...this.#starts].reverse()) {
      const head = await this.#headOf(start);
      if (head === undefined) break;
      found = { start, open: head.open };
      if (head.time <= time) break;
    }
    return found;
  }

  async #headOf(start: number): Promise<{ open: OpenLines; time: bigint } | undefined> {
    const handle = await openIfThere(this.#path(start));
    if (handle === undefined) return undefined;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(RECORD_HEADER), 0, RECORD_HEADER, 0);
      const head = readRecord(buffer.subarray(0, bytesRead), 0, start);
      return head?.kind === 'segment' ? head : undefined;
    } finally {
      await handle.close();
    }
  }

  /** Holds no file open any more. */
  async rest(): Promise<void> {
    const handle = this.#open;
    this.#open = undefined;
    await handle?.close();
  }

  async #prune(): Promise<void> {
    const { maxBytes, files } = this.#rotation;
    if (maxBytes === 0) return;
    for (let [first, second] = this.#starts; second !== undefined; [first, second] = this.#starts) {
      if (this.end - second < maxBytes * files) return;
      this.#starts.shift();
      await rm(this.#path(first ?? 0), { force: true });
    }
  }

  #path(start: number): string {
    return join(this.#folder, `${String(start).padStart(15, '0')}.log`);
  }
}

/** A new file's first record. */
export function segmentHead(open: OpenLines, time: bigint): { bytes: Buffer; length: number } {
  return { bytes: encodeSegmentHead(open, time), length: RECORD_HEADER };
}

export function endsLine(bytes: Buffer): boolean {
  return bytes.at(-1) === 0x0a;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^\d{15}\.log$/.test(name));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A file that rotation took meanwhile is as one that holds nothing. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
