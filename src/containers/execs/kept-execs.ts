import { randomBytes } from 'node:crypto';
import { messageOf, Problem } from '../../lib/problem.ts';
import { readFromClient, untilGone, writeToClient } from '../attach/client-socket.ts';
import { DetachKeys, parseDetachKeys } from '../attach/detach-keys.ts';
import { frame, type OutputStream } from '../attach/frames.ts';
import type { AttachedClient } from '../attached-client.ts';
import type { StartedProcess, TerminalSize } from '../container.ts';
import type { ContainerExecs, ExecRequest, ExecState } from '../container-execs.ts';
import type { KeptContainer } from '../life/kept-container.ts';
import { inDockersWords } from '../life/refusal-words.ts';

/** So many that have ended can still be asked for their exit code. */
const REMEMBERED = 500;
/** Characters of their commands together: no kernel runs a longer one, but anybody can ask for it. */
const MOST_TEXT = 16 << 20;
/** For whatever kept a program from being run, but that it isn't there: 127. */
const NOT_RUN = 126;

interface Exec {
  state: ExecState;
  container: KeptContainer;
  process: StartedProcess | undefined;
  begun: boolean;
  /** Characters that were asked for. */
  text: number;
}

/**
 * Processes that come into containers later. They are known by ids of their own and end with their container; nothing of them is
 * kept on a disk. Their output goes to the client that started them and to no log; a client that doesn't read holds only its
 * own process back.
 */
export class KeptExecs implements ContainerExecs {
  readonly #find: (name: string) => KeptContainer;
  readonly #execs = new Map<string, Exec>();

  constructor(find: (name: string) => KeptContainer) {
    this.#find = find;
  }

  async create(name: string, request: ExecRequest): Promise<string> {
    const container = this.#find(name);
    container.mustRun();
    if (container.record.state.status === 'paused') {
      throw new Problem('conflict', `Container ${name} is paused, unpause the container before exec`);
    }
    if (request.args.length === 0) throw new Problem('invalid', 'No exec command specified');
    if (request.detachKeys !== undefined) parseDetachKeys(request.detachKeys);
    const id = randomBytes(32).toString('hex');
    const state: ExecState = { ...request, id, container: container.id, running: false, exitCode: undefined, pid: 0 };
    const text = [...request.args, ...request.env].reduce((sum, { length }) => sum + length, 0);
    this.#execs.set(id, { state, container, process: undefined, begun: false, text });
    this.#forgetOldest(id);
    container.tell(`exec_create: ${request.args.join(' ')}`, { execID: id });
    return id;
  }

  #forgetOldest(newest: string): void {
    let sum = 0;
    for (const { text } of this.#execs.values()) sum += text;
    for (const [id, { state, text }] of this.#execs) {
      if (this.#execs.size <= REMEMBERED && sum <= MOST_TEXT) return;
      if (state.running || id === newest) continue;
      this.#execs.delete(id);
      sum -= text;
    }
  }

  get(exec: string): ExecState {
    return this.#exec(exec).state;
  }

  #exec(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined || exec.container.gone.aborted) {
      throw new Problem('not-found', `No such exec instance: ${id}`);
    }
    return exec;
  }

  async start(
    id: string,
    size: TerminalSize | undefined,
    client: AttachedClient | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const exec = this.#exec(id);
    if (exec.begun) throw new Problem('conflict', `Error: Exec command ${id} has already run`);
    exec.container.mustRun();
    exec.begun = true;
    exec.container.tell(`exec_start: ${exec.state.args.join(' ')}`, { execID: id });
    if (client === undefined) await this.#begin(exec, size, undefined);
    else await this.#serve(exec, size, client, signal);
  }

  /** @throws Problem as docker says why it could not be run */
  async #begin(exec: Exec, size: TerminalSize | undefined, output: Output | undefined): Promise<StartedProcess> {
    const { state, container } = exec;
    const terminal = state.terminal ? (size ?? { rows: 24, columns: 80 }) : undefined;
    state.running = true;
    try {
      const spec = {
        args: state.args,
        env: state.env,
        cwd: state.cwd || container.record.process.cwd,
        user: state.user || container.record.process.user,
        ...(state.privileged ? { security: 'insecure' as const } : {}),
      };
      exec.process = await container.mustRun().exec(spec, {
        onStdout: (chunk) => output?.('stdout', chunk),
        onStderr: (chunk) => output?.('stderr', chunk),
        stdin: state.stdin && output !== undefined,
        terminal,
      });
    } catch (error) {
      state.running = false;
      state.exitCode = (error instanceof Problem ? error.exitCode : undefined) ?? NOT_RUN;
      throw inDockersWords(error, 'exec');
    }
    void this.#untilEnd(exec, exec.process);
    return exec.process;
  }

  async #untilEnd({ state, container }: Exec, process: StartedProcess): Promise<void> {
    try {
      state.exitCode = (await process.exited).code;
    } catch {
      state.exitCode = 137; // it ended with its container
    }
    state.running = false;
    container.tell('exec_die', { execID: state.id, exitCode: String(state.exitCode) });
  }

  /** With a client: why it could not be run is told in the stream, which the client has been given already. */
  async #serve(exec: Exec, size: TerminalSize | undefined, client: AttachedClient, signal: AbortSignal): Promise<void> {
    const { state } = exec;
    const { gone, forget } = untilGone(client.socket, signal);
    const left = new AbortController();
    const end = AbortSignal.any([gone, left.signal]);
    const output: Output = (stream, chunk) => {
      if (!client[stream] || end.aborted) return undefined;
      return writeToClient(client.socket, state.terminal ? chunk : frame(stream, chunk), end).then(() => undefined);
    };
    let stopReading: (() => void) | undefined;
    try {
      const process = await this.#begin(exec, size, output);
      stopReading = this.#readInput(exec, process, client, () => left.abort());
      await Promise.race([process.exited.catch(() => undefined), aborted(end)]);
    } catch (error) {
      await output('stdout', Buffer.from(`${messageOf(error)}\r\n`));
    } finally {
      stopReading?.();
      forget();
    }
  }

  #readInput({ state }: Exec, process: StartedProcess, client: AttachedClient, detach: () => void): () => void {
    const keys = new DetachKeys(parseDetachKeys(client.detachKeys ?? state.detachKeys));
    const hasInput = state.stdin && client.stdin;
    return readFromClient(client.socket, {
      onChunk: async (chunk) => {
        if (!hasInput) return;
        const taken = state.terminal ? keys.take(chunk) : { passed: chunk, detached: false };
        if (taken.passed.length > 0) await process.write(taken.passed);
        if (taken.detached) detach();
      },
      onEnd: () => {
        if (hasInput) process.endInput();
      },
    });
  }

  resize(id: string, size: TerminalSize): void {
    this.#exec(id).process?.resize(size);
  }

  /** Those of a container that has gone. */
  forget(container: KeptContainer): void {
    for (const [id, exec] of this.#execs) if (exec.container === container) this.#execs.delete(id);
  }
}

type Output = (stream: OutputStream, chunk: Buffer) => Promise<void> | undefined;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
