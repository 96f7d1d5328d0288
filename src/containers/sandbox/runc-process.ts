import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Problem } from '../../lib/problem.ts';
import type { ProcessIo, TerminalSize } from '../container.ts';
import { HeldRefusal } from './held-refusal.ts';
import { PidFile } from './pid-file.ts';
import { PipeStreams } from './pipe-streams.ts';
import { refusalIn } from './refusal.ts';
import type { Streams } from './streams.ts';
import { TerminalStreams } from './terminal-streams.ts';

export interface RuncCommand {
  /** What starts runc, and its arguments up to and with the subcommand's options; `--pid-file` and `--log` among them. */
  line: readonly string[];
  log: string;
  pidFile: string;
  /** Where runc hands over the terminal, if one is wanted. */
  console: string;
  /** Of the command. */
  cwd: string;
}

export type RuncEnd =
  | { kind: 'exited'; code: number }
  /** runc could not start the program; the message is its own (`... exec: "x": executable file not found in $PATH`). */
  | { kind: 'refused'; message: string };

/** One `runc run` or `runc exec` in the foreground, from its start to its end, whose streams are the program's. */
export class RuncProcess {
  /** Settles after the last of the output was handed over. @throws Problem `not-found` when a program is missing */
  readonly ended: Promise<RuncEnd>;
  /** The program's number in the life line's process namespace; undefined when it never ran or ended before one could look. */
  readonly started: Promise<number | undefined>;
  readonly #child: ChildProcess;
  readonly #streams: Streams;
  readonly #held: HeldRefusal;
  #hasExited = false;

  constructor(command: RuncCommand, io: ProcessIo) {
    this.#held = new HeldRefusal(io.onStderr);
    this.#streams =
      io.terminal === undefined
        ? new PipeStreams({ ...io, onStderr: (chunk) => this.#held.write(chunk) })
        : new TerminalStreams(io, io.terminal, command.console);
    const pidFile = new PidFile(command.pidFile);
    const [program = '', ...args] = command.line;
    const { stdio } = this.#streams;
    const env = { ...process.env, NODE_OPTIONS: undefined }; // which are ours and not terminal-keeper's
    this.#child = spawn(program, args, { stdio, env, cwd: command.cwd, detached: true });
    this.#streams.join(this.#child);
    const noticed = pidFile.written.then((pid) => {
      if (!this.#hasExited) this.#streams.started();
      return pid;
    });
    noticed.catch(() => undefined);
    this.ended = this.#end(program, command.log).finally(() => pidFile.close());
    this.started = Promise.race([noticed, this.ended.then(() => pidFile.read())]);
    this.started.catch(() => undefined); // the same as of `ended`
  }

  /** Of what starts runc; undefined when that could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  write(chunk: Buffer): Promise<void> {
    return this.#streams.write(chunk);
  }

  endInput(): void {
    this.#streams.endInput();
  }

  resize(size: TerminalSize): void {
    this.#streams.resize(size);
  }

  /** Of runc and what it was started by; what that means for the program is the life line's matter. */
  kill(): void {
    this.#streams.drop();
    if (this.#hasExited || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL'); // the group is gone already; the child may be a zombie
    }
  }

  async #end(program: string, log: string): Promise<RuncEnd> {
    const code = await new Promise<number>((resolve, reject) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') return reject(error);
        reject(new Problem('not-found', `${program}: no such program on this machine`));
      });
      this.#child.once('exit', (exitCode, signal) => {
        this.#hasExited = true;
        resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    }).finally(() => this.#streams.drain());
    const message = code === 0 ? undefined : await refusalIn(log);
    if (message !== undefined) return { kind: 'refused', message };
    await this.#held.release();
    return { kind: 'exited', code };
  }
}
