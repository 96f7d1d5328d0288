import { type ChildProcess, fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { log } from '../lib/log.ts';
import { Problem, problemFromJson } from '../lib/problem.ts';
import { likeOthers } from './doors-first.ts';
import type { FromProcess, ToProcess } from './process-messages.ts';

/**
 * V8's room for young objects (MiB), of which it takes three; it would let it grow to 16. A worker's bytes lie in buffers
 * outside of it, and an idle worker holds 32 MB of its own in place of 39.
 */
const YOUNG_MIB = 4;

/**
 * glibc gives every thread of the pool an arena of its own, each of which keeps what was freed; they hardly meet, so two are
 * enough.
 */
const ARENAS = '2';

interface PendingCall {
  onEvent: (event: unknown) => void;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Loaded from dist/ and from sources alike, whatever the extension. */
const ENTRY = join(import.meta.dirname, `worker-entry${extname(import.meta.filename)}`);

/**
 * A process that runs builds or engine calls outside of the doors' event loop. A crash harms what it was doing and no
 * door; it ends with the server (pdeathsig in worker-entry.ts).
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PendingCall>();
  readonly ready: Promise<void>;
  #calls = 0;
  #ended = false;

  /**
   * @param data the data folder whose rows.sock it connects to
   * @param listen where the server listens, as `host:port`
   */
  constructor(data: string, listen: string) {
    this.#child = fork(ENTRY, [data, String(process.pid), listen], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, MALLOC_ARENA_MAX: ARENAS },
      execArgv: [...process.execArgv, `--max-semi-space-size=${YOUNG_MIB}`],
    });
    likeOthers(this.#child.pid);
    this.ready = new Promise((resolve, reject) => {
      this.#child.on('message', (message: FromProcess) => {
        if (message.kind === 'ready') resolve();
        else this.#answered(message);
      });
      // also when a message finds the process gone, which its end will tell
      this.#child.on('error', reject);
      this.#child.once('exit', (code, signal) => {
        this.#ended = true;
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
        const problem = new Problem('failed', `the worker process ended (${how}) in the middle of its work`);
        reject(problem);
        for (const call of this.#pending.values()) call.reject(problem);
        this.#pending.clear();
      });
    });
    this.ready.catch((error: unknown) => log.debug({ error }, 'a worker process ended before it was ready'));
  }

  get alive(): boolean {
    return !this.#ended;
  }

  /** @throws Problem what the call complained of; `failed` when the process ended */
  async call(name: string, args: unknown[], onEvent: (event: unknown) => void, signal: AbortSignal): Promise<unknown> {
    await this.ready;
    signal.throwIfAborted();
    const id = ++this.#calls;
    // a build tells a user's cancel from a shutdown by the reason (builds/queue/cancel.ts)
    const cancel = () =>
      this.#send({ kind: 'cancel', id, reason: typeof signal.reason === 'string' ? signal.reason : 'user' });
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { onEvent, resolve, reject });
        this.#send({ kind: 'call', id, name, args });
      });
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#pending.delete(id);
    }
  }

  /** Asks it to end; after `graceMs` it is killed. Resolves when it has gone. */
  async stop(graceMs: number): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.kill(), graceMs);
    await gone;
    clearTimeout(timer);
  }

  /** Ends it now; whoever waits for a call hears of it. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(message: ToProcess): void {
    if (this.#child.connected) this.#child.send(message);
  }

  #answered(message: Exclude<FromProcess, { kind: 'ready' }>): void {
    const call = this.#pending.get(message.id);
    if (message.kind === 'event') call?.onEvent(message.event);
    else if (message.kind === 'result') call?.resolve(message.value);
    else call?.reject(problemFromJson(message.problem));
  }
}
