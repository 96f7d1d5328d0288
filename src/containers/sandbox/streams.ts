import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '../container.ts';

/** Standard input, output and error of a program that is about to be started, seen from our side. */
export interface Streams {
  /** For `spawn`. */
  readonly stdio: StdioOptions;
  /** What was started for it; from now on what the program writes is handed over. */
  join(child: ChildProcess): void;
  /** The program runs. */
  started(): void;
  /** Resolves when more is welcome; what comes after the end is dropped. */
  write(chunk: Buffer): Promise<void>;
  endInput(): void;
  resize(size: TerminalSize): void;
  /** After the program's exit: until all that it wrote was taken. */
  drain(): Promise<void>;
  /** Gives up what was not handed over yet; `drain` then settles soon. */
  drop(): void;
}

/** Takes from a stream what `take` wants, and waits as long as it says. */
export function pump(stream: Readable, take: (chunk: Buffer) => Promise<void> | undefined): void {
  stream.on('data', (chunk: Buffer) => {
    const held = take(chunk);
    if (held === undefined) return;
    stream.pause();
    void held
      .catch(() => undefined)
      .then(() => {
        if (!stream.destroyed) stream.resume();
      });
  });
  stream.on('error', () => undefined); // its end is what counts, and 'close' tells that
}

/** Resolves at once while the stream's own buffer has room. */
export async function writeTo(stream: Writable, chunk: Buffer): Promise<void> {
  if (stream.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}
