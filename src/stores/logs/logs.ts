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
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
}

export interface LogWriter {
  /** Never throws and never waits; what goes wrong is said by `close`. */
  append(text: string): void;
  /**
   * Flushes and marks the end; a last line without newline gets one. Closing twice is closing once.
   * @throws Problem `exhausted` when a part could not be written; the log is closed all the same where that is possible
   */
  close(): Promise<void>;
}

export interface LogReader {
  /** Undefined when there is no such log yet. */
  info(id: string): Promise<LogInfo | undefined>;
  /** Bytes [start, end) of what is readable; shorter near the end, empty when there is no such log. */
  read(id: string, start: number, end: number): Promise<Buffer>;
  /**
   * Whole lines as they come, from byte `start` (which lies at the beginning of a line), until the log is closed or
   * removed or the signal is given. A log that does not exist yet is waited for.
   */
  follow(id: string, start: number, signal?: AbortSignal): AsyncIterable<Buffer>;
}

export interface LogStore extends LogReader {
  /**
   * Opens for appending. A log that exists is continued, also a closed one (the owner adds why a build's process died);
   * half a line that a crash left is ended first. One writer at a time.
   * @throws Problem `invalid` when the id can't be a file name
   */
  writer(id: string): LogWriter;
  remove(id: string): Promise<void>;
}
