import { connectObjects } from '../adapters/owner/client.ts';
import { readConfig } from '../config.ts';
import { dieWithParent } from '../kernel/parent-death.ts';
import { dataFolder } from '../lib/data-folder.ts';
import { log } from '../lib/log.ts';
import { messageOf, Problem, problemToJson } from '../lib/problem.ts';
import { contentOver } from './content-place.ts';
import { giveBackAtRest } from './give-back-at-rest.ts';
import type { FromProcess, ToProcess } from './process-messages.ts';
import type { RowObjects } from './rows.ts';
import { growSlowly } from './small-heap.ts';
import { storesOver } from './stores.ts';
import { workerCalls } from './worker-calls.ts';

/** Entry of a worker process: `worker-entry.js DATA SERVER_PID LISTEN`, forked by worker-process.ts. */
if (!dieWithParent(Number(process.argv[3]))) process.exit(1);
const folder = dataFolder(process.argv[2] ?? '');
const owner = await connectObjects<RowObjects>(folder.rowsSocket);
const settings = readConfig(folder.config);
// the server may have been told on its command line to listen elsewhere than the file says
const config = { ...settings, listen: process.argv[4] ?? settings.listen };
const rows = owner.objects as RowObjects;
const stores = storesOver(rows, folder, contentOver(folder, config, rows.blobs));
const calls = await workerCalls(stores, folder, config);
const running = new Map<number, AbortController>();
let ending = false;

growSlowly();
giveBackAtRest();

process.on('message', (message: ToProcess) => {
  if (message.kind === 'cancel') running.get(message.id)?.abort(message.reason);
  else void answer(message);
});
// Ctrl-C and service managers signal the whole group: it is the server that ends us, when builds have been taken down
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
// the server has gone or wants us to end: what runs is cancelled, and cleans up after itself
process.once('disconnect', () => void end());
owner.closed.addEventListener('abort', () => void end());
// it may have gone while this was loaded, when nobody listened yet
if (process.connected) say({ kind: 'ready' });
else void end();

async function answer({ id, name, args }: Extract<ToProcess, { kind: 'call' }>): Promise<void> {
  const cancel = new AbortController();
  running.set(id, cancel);
  try {
    const call = calls[name as keyof typeof calls] as (
      args: unknown[],
      emit: (event: unknown) => void,
      signal: AbortSignal,
    ) => Promise<unknown>;
    const value = await call(args, (event) => say({ kind: 'event', id, event }), cancel.signal);
    say({ kind: 'result', id, value });
  } catch (error) {
    if (!(error instanceof Problem))
      log.error({ error: error instanceof Error ? error.stack : error, name }, 'a call failed in a worker');
    const problem = error instanceof Problem ? error : new Problem('failed', `Slipway failed: ${messageOf(error)}`);
    say({ kind: 'problem', id, problem: problemToJson(problem) });
  } finally {
    running.delete(id);
  }
}

function say(message: FromProcess): void {
  // what the server can no longer hear is not worth an error: the end of the connection ends us
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  for (const cancel of running.values()) cancel.abort('shutdown');
  while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  process.exit(0);
}
