import { spawn } from 'node:child_process';
import { Problem } from './problem.ts';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Text for standard input; without it the process reads /dev/null. */
  input?: string;
  signal?: AbortSignal;
  /** Milliseconds; the process group is killed when they are over. */
  timeout?: number;
  onStdout?: (chunk: Buffer) => void;
  onStderr?: (chunk: Buffer) => void;
}

export interface RunResult {
  /** Exit code; 128 + signal number when a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Kept of each stream when nobody listens to it: enough for an error message, never a blob. */
const KEPT_BYTES = 1 << 20;

/**
 * Runs a program to its end and gives back its exit code, whatever it is. The process leads a group of its own, which is
 * killed as a whole on abort and on timeout, so that no grandchild survives.
 * @throws Problem `not-found` when there is no such program, `cancelled` on abort, `timeout` after `timeout` ms
 */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(new Problem('cancelled', `${program}: cancelled before it began`));
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const kept = { stdout: '', stderr: '' };
    const collect = (name: 'stdout' | 'stderr', listener?: (chunk: Buffer) => void) => (chunk: Buffer) => {
      if (listener !== undefined) listener(chunk);
      else if (kept[name].length < KEPT_BYTES) kept[name] += chunk.toString('utf8');
    };
    child.stdout?.on('data', collect('stdout', options.onStdout));
    child.stderr?.on('data', collect('stderr', options.onStderr));
    let ended: Problem | undefined;
    const killGroup = (why: Problem) => {
      ended ??= why;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL'); // the group is gone already; the child may be a zombie
      }
    };
    const onAbort = () => killGroup(new Problem('cancelled', `${program}: cancelled`));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(
            () => killGroup(new Problem('timeout', `${program}: no end after ${options.timeout} ms`)),
            options.timeout,
          );
    const settle = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      if (error.code === 'ENOENT') reject(new Problem('not-found', `${program}: no such program on this machine`));
      else reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      if (ended !== undefined) return reject(ended);
      resolve({ code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), ...kept });
    });
    if (options.input !== undefined) {
      child.stdin?.on('error', () => undefined); // a program may end without reading its input
      child.stdin?.end(options.input);
    }
  });
}

const SIGNALS: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/**
 * As `run`, but any exit code other than 0 is an error that carries the last lines of standard error.
 * @throws Problem `failed`, besides those of `run`
 */
export async function runOk(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(program, args, options);
  if (result.code === 0) return result;
  const said = (result.stderr || result.stdout).trim().split('\n').slice(-5).join('\n');
  throw new Problem(
    'failed',
    `${program} ${args.join(' ')}: exit code ${result.code}${said === '' ? '' : `\n${said}`}`,
    {
      exitCode: result.code,
    },
  );
}
