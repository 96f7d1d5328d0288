import type { AttachedClient } from '../attached-client.ts';
import type { Run } from '../life/run.ts';
import type { ContainerLog, LogReader } from '../logs/container-log.ts';
import { readFromClient, untilGone, writeToClient } from './client-socket.ts';
import { DetachKeys, parseDetachKeys } from './detach-keys.ts';
import { frame } from './frames.ts';

/** What a client is joined to: one run of a container, which may not have begun. */
export interface AttachTarget {
  log: Promise<ContainerLog>;
  run: Run;
  terminal: boolean;
  openStdin: boolean;
  stdinOnce: boolean;
}

/**
 * Joins a client to a run: what the run writes goes out at the client's pace (see ContainerLog for what a slow one costs),
 * what the client sends goes in. As docker's `attach`:
 * - the end of the client's input ends that of the container if it may have one client only (`stdinOnce`) and no terminal;
 *   in any other case it ends the attachment;
 * - detach keys count where there is a terminal.
 * @returns how it ended; the socket is left open
 */
export async function attachClient(
  target: AttachTarget,
  client: AttachedClient,
  signal: AbortSignal,
): Promise<'ended' | 'detached' | 'gone'> {
  const { run, terminal } = target;
  const keys = new DetachKeys(parseDetachKeys(client.detachKeys));
  const { gone, forget } = untilGone(client.socket, signal);
  const left = new AbortController();
  let detached = false;
  const detach = () => {
    detached = true;
    left.abort();
  };
  const hasInput = client.stdin && target.openStdin;
  const stopReading = readFromClient(client.socket, {
    onChunk: async (chunk) => {
      if (!hasInput) return;
      const taken = terminal ? keys.take(chunk) : { passed: chunk, detached: false };
      const process = await run.started;
      if (taken.passed.length > 0) await process?.write(taken.passed);
      if (taken.detached) detach();
    },
    onEnd: () => {
      if (!hasInput) return;
      if (target.stdinOnce && !terminal) void run.started.then((process) => process?.endInput());
      else left.abort();
    },
  });
  try {
    // the place is found before anything is awaited that a start could overtake
    const begun = run.begun;
    const log = await target.log;
    const reader = log.reader(client.replay ? log.first : begun ? log.end : run.first(log), client.follow);
    try {
      await sendOutput(reader, target, client, AbortSignal.any([gone, left.signal]), log);
    } finally {
      reader.close();
    }
    return detached ? 'detached' : gone.aborted ? 'gone' : 'ended';
  } finally {
    stopReading();
    forget();
    if (gone.aborted && hasInput && target.stdinOnce && !terminal) {
      void run.started.then((process) => process?.endInput());
    }
  }
}

async function sendOutput(
  reader: LogReader,
  { run, terminal }: AttachTarget,
  client: AttachedClient,
  end: AbortSignal,
  log: ContainerLog,
): Promise<void> {
  const now = log.end;
  const until = client.follow ? () => run.endsAt : () => now;
  for (;;) {
    const records = await reader.next(until, end);
    if (records === undefined) return;
    for (const { stream, bytes } of records) {
      if (!client[stream]) continue;
      if (!(await writeToClient(client.socket, terminal ? bytes : frame(stream, bytes), end))) return;
    }
  }
}
