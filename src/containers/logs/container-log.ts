import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { OutputStream } from '../attach/frames.ts';
import { encodeRecord, type LogRecord, type OpenLines } from './log-record.ts';
import { endsLine, type LogRotation, LogSegments, segmentHead } from './log-segments.ts';

/** So much of what was written last is kept in memory: who keeps up never reads the files. */
const TAIL_BYTES = 1 << 20;
/** So many bytes may wait for the disk before the container has to. */
const QUEUE_BYTES = 4 << 20;
/** An attached client may be so far behind before the container waits for it ... */
const LAG_BYTES = 1 << 20;
/** ... as long as it took something in these milliseconds. Then the container goes on, and the client reads the files. */
const PATIENCE = 10_000;

interface TailEntry {
  position: number;
  end: number;
  record: LogRecord | undefined;
}

/**
 * All that a container wrote, on the disk and for those who follow it: attached clients and `logs` read the same log from
 * a position of theirs, so that a slow one needs no memory of ours. Whoever `holds` (an attached client) slows the
 * container down, as a pipe would, instead of losing what rotation takes; a client that took nothing for ten seconds doesn't
 * any more, so that a terminal that somebody stopped can't stop a container for ever.
 */
export class ContainerLog {
  readonly #segments: LogSegments;
  readonly #clock: Clock;
  readonly #tail: TailEntry[] = [];
  #tailBytes = 0;
  #queue: { begins?: number; position: number; bytes: Buffer }[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  #segmentStart: number | undefined;
  #end: number;
  #lastTime = 0n;
  readonly #openLines: OpenLines;
  readonly #readers = new Set<LogReader>();
  readonly #held: (() => void)[] = [];
  #patience: NodeJS.Timeout | undefined;
  /** Nobody writes. */
  #rests = true;
  #closed = false;

  constructor(segments: LogSegments, clock: Clock) {
    this.#segments = segments;
    this.#clock = clock;
    this.#end = segments.end;
    this.#segmentStart = segments.starts.at(-1);
    this.#openLines = { ...segments.openLines };
  }

  static create(folder: string, rotation: LogRotation, clock: Clock): ContainerLog {
    return new ContainerLog(LogSegments.none(folder, rotation), clock);
  }

  static async open(folder: string, rotation: LogRotation, clock: Clock): Promise<ContainerLog> {
    return new ContainerLog(await LogSegments.of(folder, rotation), clock);
  }

  /** Where the oldest byte that is kept stands. */
  get first(): number {
    return Math.min(this.#segments.first, this.#tail[0]?.position ?? this.#end);
  }

  get end(): number {
    return this.#end;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @returns a promise when the container should wait before it writes more */
  append(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
    if (bytes.length === 0 || this.#closed) return undefined;
    this.#rests = false;
    const time = this.#time();
    if (this.#segmentStart === undefined || this.#segments.wantsNew(this.#end, this.#segmentStart)) this.#begin(time);
    const record: LogRecord = { position: this.#end, stream, time, bytes };
    this.#add(encodeRecord(stream, time, bytes), record);
    this.#openLines[stream] = !endsLine(bytes);
    this.#writing ??= this.#write();
    this.wake();
    return this.#mustWait() ? this.#room() : undefined;
  }

  #begin(time: bigint): void {
    this.#segmentStart = this.#end;
    this.#add(segmentHead(this.#openLines, time).bytes, undefined, this.#end);
  }

  #add(bytes: Buffer, record: LogRecord | undefined, begins?: number): void {
    const position = this.#end;
    this.#queue.push({ ...(begins === undefined ? {} : { begins }), position, bytes });
    this.#queuedBytes += bytes.length;
    this.#end += bytes.length;
    this.#tail.push({ position, end: this.#end, record });
    this.#tailBytes += bytes.length;
  }

  /** Strictly growing, so that a time names one place. */
  #time(): bigint {
    const now = BigInt(Math.round(this.#clock.now() * 1000)) * 1000n;
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
    return this.#lastTime;
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        let chunks: Buffer[] = [];
        for (const { begins, bytes } of batch) {
          if (begins === undefined) chunks.push(bytes);
          else {
            if (chunks.length > 0) await this.#segments.write(chunks);
            chunks = [];
            await this.#segments.begin(begins, bytes);
          }
        }
        if (chunks.length > 0) await this.#segments.write(chunks);
      } catch (error) {
        // a full disk must not stop the container: what came is lost to the log, and the next begins another file
        log.error({ error: messageOf(error) }, 'the log of a container could not be written');
        this.#segmentStart = undefined;
        await this.#segments.rest().catch(() => undefined);
      }
      for (const { bytes } of batch) this.#queuedBytes -= bytes.length;
      this.#forget();
      this.#review();
    }
    this.#writing = undefined;
  }

  #forget(): void {
    const kept = this.#queue[0]?.position ?? this.#end;
    let count = 0;
    for (const entry of this.#tail) {
      if (this.#tailBytes <= TAIL_BYTES || entry.end > kept) break;
      this.#tailBytes -= entry.end - entry.position;
      count++;
    }
    this.#tail.splice(0, count);
  }

  /** @param holds whether the container waits for this reader */
  reader(position: number, holds: boolean): LogReader {
    const reader = new LogReader(this, position, holds, () => {
      this.#readers.delete(reader);
      this.#review();
      this.#forgetTail();
    });
    this.#readers.add(reader);
    return reader;
  }

  /** Records from `position` on, which is before the end. */
  async read(position: number): Promise<{ records: LogRecord[]; next: number }> {
    const from = this.#tail[0]?.position ?? this.#end;
    if (position < from) {
      const read = await this.#segments.read(Math.max(position, this.#segments.first));
      // what a full disk swallowed is passed over
      return read.records.length > 0
        ? read
        : { records: [], next: read.next > position ? Math.min(read.next, from) : from };
    }
    const records: LogRecord[] = [];
    let next = position;
    for (let at = lowerBound(this.#tail, position); at < this.#tail.length; at++) {
      const entry = this.#tail[at] as TailEntry;
      if (entry.record !== undefined) records.push(entry.record);
      next = entry.end;
      if (next - position >= TAIL_BYTES / 4) break;
    }
    return { records, next };
  }

  /** For whoever looks for lines from the end: everything written is in the files then. */
  async segments(): Promise<LogSegments> {
    await this.#writing;
    return this.#segments;
  }

  /** Lets readers look again: something was written, or their end is known. */
  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /** To be told when a reader took something. */
  progress(): void {
    if (this.#held.length > 0) this.#review();
  }

  #mustWait(): boolean {
    return this.#queuedBytes > QUEUE_BYTES || this.#waitedFor().length > 0;
  }

  #waitedFor(): LogReader[] {
    const late = performance.now() - PATIENCE;
    return [...this.#readers].filter(
      (reader) => reader.holds && this.#end - reader.position > LAG_BYTES && reader.lastProgress > late,
    );
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#held.push(resolve);
      this.#review();
    });
  }

  #review(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#held.length === 0) return;
    if (this.#closed || !this.#mustWait()) {
      for (const go of this.#held.splice(0)) go();
      return;
    }
    const next = Math.min(...this.#waitedFor().map((reader) => reader.lastProgress)) + PATIENCE - performance.now();
    if (Number.isFinite(next)) this.#patience = setTimeout(() => this.#review(), next + 1);
  }

  /** All that came is in the files, and none is held open. */
  async settle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#segments.rest();
    this.#rests = true;
    this.#forgetTail();
  }

  /** A container that has ended needs no memory. */
  #forgetTail(): void {
    if (!this.#rests || this.#readers.size > 0) return;
    this.#tail.length = 0;
    this.#tailBytes = 0;
  }

  /** Readers end where they are. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#review();
    this.wake();
    await this.settle();
  }
}

function lowerBound(entries: readonly TailEntry[], position: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as TailEntry).position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A place in a log that moves on. */
export class LogReader {
  readonly #log: ContainerLog;
  readonly #onClose: () => void;
  readonly holds: boolean;
  position: number;
  /** In the time of `performance.now()`. */
  lastProgress = performance.now();
  #wake: (() => void) | undefined;

  constructor(log: ContainerLog, position: number, holds: boolean, onClose: () => void) {
    this.#log = log;
    this.position = position;
    this.holds = holds;
    this.#onClose = onClose;
  }

  wake(): void {
    this.#wake?.();
  }

  /**
   * What comes next, up to `until`, which is asked again whenever the log is woken: undefined as long as the end isn't known.
   * @returns undefined at the end, and when the log or `signal` ended it
   */
  async next(until: () => number | undefined, signal: AbortSignal): Promise<LogRecord[] | undefined> {
    this.lastProgress = performance.now();
    this.#log.progress();
    for (;;) {
      const limit = until();
      if (signal.aborted || this.#log.closed || (limit !== undefined && this.position >= limit)) return undefined;
      if (this.position >= this.#log.end) {
        await this.#woken(signal);
        continue;
      }
      const { records, next } = await this.#log.read(this.position);
      this.position = next;
      const wanted = limit === undefined ? records : records.filter(({ position }) => position < limit);
      if (wanted.length > 0) return wanted;
    }
  }

  async #woken(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
    this.lastProgress = performance.now();
  }

  close(): void {
    this.#onClose();
  }
}
