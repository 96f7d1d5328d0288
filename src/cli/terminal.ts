import { hasErrorCode } from '../lib/problem.ts';

/** What is printed, and how: plain lines in a pipe; rewriting and cutting to the width only on a terminal. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Standard error is a terminal whose lines may be rewritten. */
  interactive: boolean;
  /** Of standard output; unlimited in a pipe, where nothing is cut. */
  columns: number;
}

/** Why the commands were asked to stop, when whoever read their output has gone. */
export const READER_GONE = 'reader gone';

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    out: (text) => void (stdout.destroyed || stdout.write(text)),
    err: (text) => void (stderr.destroyed || stderr.write(text)),
    interactive: stderr.isTTY === true && process.env['TERM'] !== 'dumb',
    columns: stdout.isTTY === true ? stdout.columns : Number.POSITIVE_INFINITY,
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
