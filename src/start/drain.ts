import type { BuildDispatcher } from '../builds/queue/dispatch.ts';
import { log } from '../lib/log.ts';

/**
 * Lets running builds come to their end, while all doors stay open and what is submitted waits for the next start. Another
 * signal, or the end of their time, and this resolves with them running still.
 */
export async function drain(dispatcher: BuildDispatcher, seconds: number): Promise<void> {
  const { running } = dispatcher;
  if (running === 0 || seconds === 0) return;
  log.info({ running, seconds }, 'waiting for running builds');
  process.stdout.write(
    `waiting ${seconds} s at most for ${running} running ${running === 1 ? 'build' : 'builds'}; another signal stops ${running === 1 ? 'it' : 'them'}\n`,
  );
  const enough = new AbortController();
  const over = new AbortController();
  const timer = setTimeout(() => enough.abort(), seconds * 1000);
  void signalled(over.signal).then(() => enough.abort());
  await dispatcher.drain(enough.signal);
  clearTimeout(timer);
  over.abort();
}

/**
 * Resolves with the next signal to end. A signal for which nobody waits ends the process at once: who sends one more doesn't
 * want to wait.
 * @param forget nobody waits any more
 */
export function signalled(forget?: AbortSignal): Promise<string> {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  return new Promise((resolve) => {
    const stop = (signal: string) => {
      for (const each of signals) process.removeListener(each, stop);
      resolve(signal);
    };
    for (const each of signals) process.on(each, stop);
    forget?.addEventListener('abort', () => stop(''), { once: true });
  });
}
