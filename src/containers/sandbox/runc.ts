import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { run } from '../../lib/run.ts';
import type { ContainerIo } from '../container.ts';

export interface RuncRequest {
  id: string;
  /** Folder with config.json; runc's own state and log are written there too. */
  bundle: string;
}

export type RuncResult =
  | { kind: 'exited'; code: number }
  /** runc could not start the program; the message is its own (`... exec: "x": executable file not found in $PATH`). */
  | { kind: 'refused'; message: string };

/**
 * The life line of a container: when this process ends, by SIGKILL too, the kernel kills `unshare` (parent-death signal),
 * that kills runc in turn (--kill-child), and runc is process 1 of a process namespace, so that everything in it dies:
 * the container, whatever it daemonised, and runc's helpers. runc alone leaves its container running when it is killed.
 * Cancelling is the same stroke. It costs 3 ms. The signal is tied to the thread that spawned, so run it from a main thread,
 * which lives as long as its process. --mount-proc, since runc reads /proc/PID of its children in the new numbering.
 */
const LIFE_LINE = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** What runc writes to the container's standard error when it fails itself. */
const REFUSAL = Buffer.from('runc run failed: ');

/**
 * Runs the bundle in the foreground, to its end. The container and its cgroup are left behind (--keep) so that the cgroup's
 * counters can be read; both are removed by whoever made the folder.
 * @throws Problem `cancelled` after everything was killed, `not-found` when a program is missing
 */
export async function runRunc(request: RuncRequest, io: ContainerIo): Promise<RuncResult> {
  const log = join(request.bundle, 'runc.log');
  const args = ['--root', join(request.bundle, 'state'), '--log', log, '--log-format', 'json'];
  const stderr = new HeldRefusal(io.onStderr);
  const { code } = await run(
    'setpriv',
    [...LIFE_LINE, 'runc', ...args, 'run', '--keep', '--bundle', request.bundle, request.id],
    { signal: io.signal, onStdout: io.onStdout, onStderr: (chunk) => stderr.write(chunk) },
  ).catch((error: unknown) => {
    stderr.release();
    if (!(error instanceof Problem && error.code === 'cancelled')) throw error;
    throw new Problem('cancelled', `container ${request.id}: cancelled`);
  });
  const message = code === 0 ? undefined : await refusalIn(log);
  if (message !== undefined) return { kind: 'refused', message };
  stderr.release();
  return { kind: 'exited', code };
}

/**
 * A refusal as a Problem. What the image or the caller got wrong is `invalid`, with the exit codes of a shell: 127 for a
 * program that isn't there, 126 for one that can't be run. Anything else is the machine's trouble.
 */
export function refusal(message: string): Problem {
  if (!/exec: "|chdir to cwd|mounting "/.test(message)) {
    return new Problem('failed', `the container can't be started: ${message}`, {
      hint: '`slipway doctor` says what this machine lacks.',
    });
  }
  return new Problem('invalid', message, { exitCode: /not found|no such file/.test(message) ? 127 : 126 });
}

/** Holds back a chunk that looks like runc's own complaint, until it is known whether it was one. */
class HeldRefusal {
  readonly #forward: (chunk: Buffer) => void;
  #held: Buffer | undefined;

  constructor(forward: (chunk: Buffer) => void) {
    this.#forward = forward;
  }

  write(chunk: Buffer): void {
    this.release();
    if (chunk.subarray(0, REFUSAL.length).equals(REFUSAL)) this.#held = chunk;
    else this.#forward(chunk);
  }

  release(): void {
    if (this.#held !== undefined) this.#forward(this.#held);
    this.#held = undefined;
  }
}

/** The last error in runc's log; its exit code alone can't be told from the program's. */
async function refusalIn(log: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(log, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const errors = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level?: string; msg?: string })
    .filter((entry) => entry.level === 'error' || entry.level === 'fatal');
  return errors.at(-1)?.msg?.replace(/^runc run failed: /, '');
}
