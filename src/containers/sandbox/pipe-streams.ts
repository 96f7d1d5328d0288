import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { ProcessIo } from '../container.ts';
import { pump, type Streams, writeTo } from './streams.ts';

/** runc makes pipes of its own for the container, which may open them again as /dev/stdout, and copies between those and ours. */
export class PipeStreams implements Streams {
  readonly stdio: StdioOptions;
  readonly #io: ProcessIo;
  #child: ChildProcess | undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor(io: ProcessIo) {
    this.#io = io;
    this.stdio = [io.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'];
  }

  join(child: ChildProcess): void {
    this.#child = child;
    this.#closed = new Promise((closed) => child.once('close', () => closed()));
    child.stdin?.on('error', () => undefined); // a program may end without reading its input
    if (child.stdout !== null) pump(child.stdout, this.#io.onStdout);
    if (child.stderr !== null) pump(child.stderr, this.#io.onStderr);
  }

  started(): void {
    // its pipes were there before
  }

  async write(chunk: Buffer): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin?.writable === true) await writeTo(stdin, chunk);
  }

  endInput(): void {
    this.#child?.stdin?.end();
  }

  resize(): void {
    // there is no terminal
  }

  async drain(): Promise<void> {
    this.#child?.stdin?.destroy();
    await this.#closed;
  }

  drop(): void {
    for (const stream of this.#child?.stdio ?? []) stream?.destroy();
  }
}
