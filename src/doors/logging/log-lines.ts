import type { LogReader } from '../../stores/logs/logs.ts';

/** Read from a log at a time. */
const BLOCK_BYTES = 1 << 18;
const NEWLINE = 0x0a;

/** A place between two lines of a log. */
export interface LinePlace {
  /** Bytes before it. */
  offset: number;
  /** Lines before it. */
  line: number;
}

export interface LogLine {
  text: string;
  /** Counted from 0. */
  line: number;
  /** Where the next one is that goes in the same direction. */
  next: LinePlace;
}

/** Lines of one log, in either direction from any place, without ever holding more than a block and a line. */
export class LogLines {
  readonly #logs: Pick<LogReader, 'info' | 'read'>;
  readonly #id: string;

  constructor(logs: Pick<LogReader, 'info' | 'read'>, id: string) {
    this.#logs = logs;
    this.#id = id;
  }

  async *forward(from: LinePlace): AsyncGenerator<LogLine> {
    let { offset, line } = from;
    let rest: Buffer = Buffer.alloc(0);
    for (let read = offset; ; ) {
      const block = await this.#logs.read(this.#id, read, read + BLOCK_BYTES);
      if (block.length === 0) return;
      read += block.length;
      const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        offset += end + 1 - start;
        yield { text: textOf(bytes.subarray(start, end)), line, next: { offset, line: line + 1 } };
        line++;
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
  }

  /** The line before the place first. */
  async *backward(from: LinePlace): AsyncGenerator<LogLine> {
    let { offset, line } = from;
    let rest: Buffer = Buffer.alloc(0);
    for (let read = offset; read > 0; ) {
      const start = Math.max(0, read - BLOCK_BYTES);
      const block = await this.#logs.read(this.#id, start, read);
      if (block.length < read - start) return; // the log was removed
      read = start;
      let bytes = rest.length === 0 ? block : Buffer.concat([block, rest]);
      // the last byte is the newline of the line that is wanted; it is whole when another newline, or the beginning, is before
      for (
        let before = newlineBefore(bytes);
        before >= 0 || (read === 0 && bytes.length > 0);
        before = newlineBefore(bytes)
      ) {
        const text = textOf(bytes.subarray(before + 1, bytes.length - 1));
        offset -= bytes.length - (before + 1);
        line--;
        yield { text, line, next: { offset, line } };
        bytes = bytes.subarray(0, before + 1);
      }
      rest = bytes;
    }
  }

  /** Behind the last line that may be read now. */
  async end(): Promise<LinePlace> {
    const size = (await this.#logs.info(this.#id))?.readable ?? 0;
    let line = 0;
    for (let offset = 0; offset < size; ) {
      const block = await this.#logs.read(this.#id, offset, Math.min(size, offset + BLOCK_BYTES));
      if (block.length === 0) return { offset, line };
      offset += block.length;
      for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) line++;
    }
    return { offset: size, line };
  }
}

/** Before the newline that the bytes end with. */
function newlineBefore(bytes: Buffer): number {
  return bytes.length < 2 ? -1 : bytes.lastIndexOf(NEWLINE, bytes.length - 2);
}

function textOf(line: Buffer): string {
  return line.toString('utf8');
}
