import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { openRawPty, type Pty, setTerminalSize } from '../../kernel/pty.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import type { ProcessIo, TerminalSize } from '../container.ts';
import { type Streams, writeTo } from './streams.ts';

const PIECE = 64 << 10;

/**
 * A terminal for runc, which has the container's own one on its other side: it copies between the two and, when it gets
 * SIGWINCH, gives the container's the size of ours. Our side changes no byte, so ^C reaches the program and not runc.
 *
 * libuv takes a hang-up after a short read for the end of a stream, and reads of a terminal are always short: output would be
 * cut off. So the slave stays open here until the program has ended, and what is left then is read by hand up to EIO.
 */
export class TerminalStreams implements Streams {
  readonly stdio: StdioOptions;
  readonly #pty: Pty;
  readonly #stream: ReadStream;
  readonly #take: ProcessIo['onStdout'];
  #child: ChildProcess | undefined;
  #held: Promise<void> | undefined;
  #dropped = false;
  #drop: () => void = () => undefined;
  readonly #dropping = new Promise<void>((resolve) => {
    this.#drop = resolve;
  });

  constructor(io: ProcessIo, size: TerminalSize) {
    this.#take = io.onStdout;
    this.#pty = openRawPty(size);
    this.#stream = new ReadStream(this.#pty.master);
    this.#stream.on('error', () => undefined); // EIO is its end
    this.stdio = [this.#pty.slave, this.#pty.slave, this.#pty.slave];
  }

  join(child: ChildProcess): void {
    this.#child = child;
    this.#stream.on('data', (chunk: Buffer) => {
      const held = this.#take(chunk);
      if (held === undefined) return;
      this.#stream.pause();
      this.#held = held
        .catch(() => undefined)
        .then(() => {
          this.#held = undefined;
          this.#stream.resume();
        });
    });
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#stream.writable) await writeTo(this.#stream, chunk);
  }

  endInput(): void {
    // a terminal stays open; its user types ^D
  }

  resize(size: TerminalSize): void {
    if (this.#stream.destroyed) return;
    setTerminalSize(this.#pty.master, size);
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGWINCH'); // the group of runc and what it was started by, which don't mind
    } catch (error) {
      if (!hasErrorCode(error, 'ESRCH')) throw error;
    }
  }

  async drain(): Promise<void> {
    const held = this.#held;
    const rest = this.#takeRest();
    await Promise.race([held, this.#dropping]);
    for (const chunk of rest) {
      if (!this.#dropped) await Promise.race([this.#take(chunk), this.#dropping]);
    }
  }

  drop(): void {
    this.#dropped = true;
    this.#drop();
  }

  /** All in one turn of the event loop: nobody else reads in between. It is what fits into the kernel's buffers. */
  #takeRest(): Buffer[] {
    const rest: Buffer[] = [];
    this.#stream.removeAllListeners('data').pause();
    for (let chunk = this.#stream.read() as Buffer | null; chunk !== null; chunk = this.#stream.read())
      rest.push(chunk);
    closeSync(this.#pty.slave);
    for (let chunk = readMore(this.#pty.master); chunk !== undefined; chunk = readMore(this.#pty.master)) {
      rest.push(chunk);
    }
    this.#stream.destroy(); // closes the master
    return rest;
  }
}

/** Undefined at the end. */
function readMore(fd: number): Buffer | undefined {
  const piece = Buffer.allocUnsafe(PIECE);
  try {
    const count = readSync(fd, piece);
    return count === 0 ? undefined : piece.subarray(0, count);
  } catch (error) {
    if (hasErrorCode(error, 'EIO', 'EAGAIN')) return undefined;
    throw error;
  }
}
