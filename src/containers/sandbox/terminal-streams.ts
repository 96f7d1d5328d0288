import type { StdioOptions } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { ConsoleSocket } from '../../kernel/console-socket.ts';
import { duplicate, openPeer, setTerminalSize } from '../../kernel/pty.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import type { ProcessIo, TerminalSize } from '../container.ts';
import { pump, type Streams, writeTo } from './streams.ts';

const PIECE = 64 << 10;

/**
 * The master of a container's own terminal, which runc hands over when it has made it.
 *
 * libuv takes a hang-up after a short read for the end of a stream, and reads of a terminal are always short: output would be
 * cut off. So the other side stays open here until the program has ended, and what is left then is read by hand, by a second
 * descriptor, up to EIO.
 */
export class TerminalStreams implements Streams {
  readonly stdio: StdioOptions = 'ignore';
  readonly #console: ConsoleSocket;
  readonly #take: ProcessIo['onStdout'];
  #size: TerminalSize;
  #open: { master: number; peer: number; stream: ReadStream } | undefined;
  #held: Promise<void> | undefined;
  #dropped = false;
  #joined: () => void = () => undefined;
  readonly #joining = new Promise<void>((resolve) => {
    this.#joined = resolve;
  });
  #drop: () => void = () => undefined;
  readonly #dropping = new Promise<void>((resolve) => {
    this.#drop = resolve;
  });

  /** @param path of the socket that runc is told of */
  constructor(io: ProcessIo, size: TerminalSize, path: string) {
    this.#take = io.onStdout;
    this.#size = size;
    this.#console = new ConsoleSocket(path);
  }

  join(): void {
    // its terminal comes with the program
  }

  started(): void {
    if (this.#open === undefined) this.#takeTerminal();
    this.#joined();
  }

  /** Nothing when the program never ran. */
  #takeTerminal(): void {
    const master = this.#console.take();
    if (master === undefined) return;
    const peer = openPeer(master);
    const stream = new ReadStream(duplicate(master));
    this.#open = { master, peer, stream };
    setTerminalSize(master, this.#size);
    pump(stream, (chunk) => {
      this.#held = this.#take(chunk);
      return this.#held;
    });
  }

  async write(chunk: Buffer): Promise<void> {
    await this.#joining;
    const stream = this.#open?.stream;
    if (stream?.writable === true) await writeTo(stream, chunk);
  }

  endInput(): void {
    // a terminal stays open; its user types ^D
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    if (this.#open !== undefined) setTerminalSize(this.#open.master, size);
  }

  async drain(): Promise<void> {
    if (this.#open === undefined) this.#takeTerminal(); // it ended before anybody noticed that it ran
    this.#console.close();
    this.#joined();
    const rest = this.#takeRest();
    await Promise.race([this.#held?.catch(() => undefined), this.#dropping]);
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
    if (this.#open === undefined) return rest;
    const { master, peer, stream } = this.#open;
    this.#open = undefined;
    stream.removeAllListeners('data').pause();
    for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read()) rest.push(chunk);
    closeSync(peer);
    for (let chunk = readMore(master); chunk !== undefined; chunk = readMore(master)) rest.push(chunk);
    stream.destroy();
    closeSync(master);
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
