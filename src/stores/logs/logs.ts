/**
 * One append-only log per build: `logs/<build id>.txt`. The build's process appends, everybody reads the file.
 *
 * A reader of a running build never sees half a line: `readable` ends at the last newline until the log is closed. The
 * log is closed (flushed, `.done` beside it) before the build's final status is published, so "status is final" means
 * "the whole log can be read".
 */
export interface LogInfo {
  /** Bytes that may be read now. */
  readable: number;
  closed: boolean;
}

export interface LogWriter {
  append(text: string): void;
  /** Flushes and marks the end; a last line without newline gets one. */
  close(): Promise<void>;
}

export interface LogReader {
  /** Undefined when there is no such log yet. */
  info(id: string): Promise<LogInfo | undefined>;
  /** Bytes [start, end) of what is readable; shorter near the end. */
  read(id: string, start: number, end: number): Promise<Buffer>;
  /** Whole lines as they come, from byte `start`, until the log is closed or the signal is given. */
  follow(id: string, start: number, signal?: AbortSignal): AsyncIterable<Buffer>;
}

export interface LogStore extends LogReader {
  /** Opens for appending; a log that exists is continued. */
  writer(id: string): LogWriter;
  remove(id: string): Promise<void>;
}
