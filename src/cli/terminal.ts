import { hasErrorCode } from '../lib/problem.ts';

/** What is printed, and how: plain lines in a pipe; rewriting and cutting to the width only on a terminal. */
export interface Terminal {
  out(text: string | Uint8Array): void;
  err(text: string): void;
  /** Standard error is a terminal whose lines may be rewritten. */
  interactive: boolean;
  /** Of standard output; unlimited in a pipe, where nothing is cut. */
  columns: number;
  /** Standard error as a screen to draw on; absent in a pipe, and where TERM is `dumb`. */
  live?: LiveTerminal | undefined;
}

export interface LiveTerminal {
  write(text: string): void;
  /** It changes while the command runs. */
  size(): { columns: number; rows: number };
  /** @returns what ends the listening */
  onResize(listener: () => void): () => void;
  /** NO_COLOR switches them off (no-color.org). */
  colours: boolean;
}

/** Why the commands were asked to stop, when whoever read their output has gone. */
export const READER_GONE = 'reader gone';

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const err = (text: string) => void (stderr.destroyed || stderr.write(text));
  const interactive = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  return {
    out: (text) => void (stdout.destroyed || stdout.write(text)),
    err,
    interactive,
    columns: stdout.isTTY === true ? stdout.columns : Number.POSITIVE_INFINITY,
    live: interactive ? liveTerminal(err) : undefined,
  };
}

function liveTerminal(write: (text: string) => void): LiveTerminal {
  const { stderr } = process;
  return {
    write,
    // a terminal that doesn't know its size says 0
    size: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
    onResize(listener) {
      stderr.on('resize', listener);
      return () => stderr.removeListener('resize', listener);
    },
    colours: (process.env['NO_COLOR'] ?? '') === '',
  };
}

const watchers = new Set<() => void>();

/**
 * `slipway images | head -1`: the pipe is closed while we still write. Without a listener Node ends with a stack trace; it
 * stays to the end of the process, because the error comes after the write that caused it.
 * @returns what ends the watch
 */
export function watchReaders(gone: () => void): () => void {
  if (watchers.size === 0 && process.stdout.listenerCount('error', onOutputError) === 0)
    for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputError);
  watchers.add(gone);
  return () => watchers.delete(gone);
}

function onOutputError(error: Error): void {
  if (!hasErrorCode(error, 'EPIPE', 'ERR_STREAM_DESTROYED')) throw error;
  for (const gone of watchers) gone();
}
