import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../src/lib/problem.ts';

export interface Daemon {
  /** What the readiness test found. */
  found: string;
  /** SIGTERM, and SIGKILL after ten seconds. Resolves when it has gone. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const EVERY_MS = 50;
const GRACE_MS = 10_000;

/**
 * Starts a program that stays, in a process group of its own: Ctrl-C at the benchmark must not end it before its turn.
 * @param ready asked again and again, with all that was printed so far, until it gives a text
 */
export async function startDaemon(
  argv: readonly string[],
  log: string,
  ready: (printed: string) => Promise<string | undefined>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Daemon> {
  const [program = '', ...args] = argv;
  const output = createWriteStream(log);
  await once(output, 'open');
  const child = spawn(program, args, { stdio: ['ignore', output, output], detached: true, env });
  output.close();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  const stop = async () => {
    if (ended) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(timer);
  };
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline && !ended; await sleep(EVERY_MS)) {
    const found = await ready(await readFile(log, 'utf8'));
    if (found !== undefined) return { found, stop };
  }
  await stop();
  const tail = (await readFile(log, 'utf8')).trim().split('\n').slice(-5).join('\n');
  throw new Problem('failed', `${program} did not become ready\n${tail}`);
}

/** The exit of a shell that became the daemon is the daemon's: `exec` keeps the process. */
export async function httpAnswers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
