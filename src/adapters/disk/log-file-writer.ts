import { closeSync, fstatSync, fsync, futimesSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder, writeDurably } from '../../lib/durable-file.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { LogWriter } from '../../stores/logs/logs.ts';

/** Text of one turn of the event loop goes out in one write; more than this doesn't wait for the turn's end. */
const GATHERED_CHARACTERS = 1 << 16;

/**
 * The writing end of a log. Writes are synchronous and go to the page cache, at the latest at the end of the turn of the
 * event loop: a process that is killed loses no line that it appended earlier, and readers see lines at once.
 */
export class LogFileWriter implements LogWriter {
  readonly #path: string;
  readonly #mark: string;
  readonly #file: number;
  #gathered = '';
  #turn: NodeJS.Immediate | undefined;
  #midLine = false;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(path: string, mark: string) {
    this.#path = path;
    this.#mark = mark;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, 'a+', 0o600);
    rmSync(mark, { force: true });
    if (endsInMidLine(this.#file)) this.append('\n');
  }

  append(text: string): void {
    if (this.#closing !== undefined || text === '') return;
    this.#gathered += text;
    if (this.#gathered.length >= GATHERED_CHARACTERS) this.#write();
    else this.#turn ??= setImmediate(() => this.#write());
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    this.#write();
    if (this.#midLine) {
      this.#gathered = '\n';
      this.#write();
    }
    try {
      await promisify(fsync)(this.#file);
      await syncFolder(dirname(this.#path)); // the name of a new log
      await writeDurably(this.#mark, '');
      // followers watch the text, not the mark: touching it wakes them
      const { atime, mtime } = fstatSync(this.#file);
      futimesSync(this.#file, atime, mtime);
    } catch (error) {
      this.#failure ??= error;
    } finally {
      closeSync(this.#file);
    }
    if (this.#failure !== undefined)
      throw new Problem('exhausted', `the build's log could not be written: ${messageOf(this.#failure)}`, {
        hint: `Look at the disk that holds ${dirname(this.#path)}: is it full or read-only?`,
        cause: this.#failure,
      });
  }

  #write(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    if (this.#gathered === '') return;
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = '';
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
      this.#midLine = bytes.at(-1) !== 0x0a;
    } catch (error) {
      this.#failure ??= error;
    }
  }
}

function endsInMidLine(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}
