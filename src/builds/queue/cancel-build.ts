import { type Clock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { LogStore } from '../../stores/logs/logs.ts';
import { type Build, isFinal } from '../build.ts';
import type { BuildRecords } from '../records.ts';
import type { BuildQueue } from './queue.ts';

export interface CancelDeps {
  records: BuildRecords;
  queue: BuildQueue;
  logs: Pick<LogStore, 'writer'>;
  clock: Clock;
  /** Asks the worker that has the build; false when none does. */
  stop(id: string): boolean;
}

/** Longest wait for a running build to end; a client that cancels wants to see CANCELLED. Milliseconds. */
const PATIENCE = 10_000;

/**
 * Cancels a build for a user, whatever it does. One that waits for approval or for a worker ends here; one that runs is asked
 * to stop and waited for, because its status changes only after its log is closed. When it doesn't end in time it is
 * answered for as WORKING, and its process is killed soon after.
 * @throws Problem `not-found`, `conflict` when it has ended otherwise
 */
export async function cancelBuild(id: string, deps: CancelDeps): Promise<Build> {
  const until = performance.now() + PATIENCE;
  let asked = false;
  for (;;) {
    // between its claim and its start nobody has a build: it is asked for again
    if (!asked) asked = (await cancelWaiting(id, deps)) || deps.stop(id);
    const build = (await deps.records.get(id))?.build;
    if (build === undefined) throw new Problem('not-found', 'Requested entity was not found.');
    if (build.status === 'CANCELLED') return build;
    if (isFinal(build.status))
      throw new Problem('conflict', `build ${id} cannot be cancelled: it has ended with status ${build.status}`);
    if (performance.now() > until) return build;
    await pause(50);
  }
}

/** @returns whether it waited */
async function cancelWaiting(id: string, { records, queue, logs, clock }: CancelDeps): Promise<boolean> {
  const end = { status: 'CANCELLED' as const, finishTime: timestamp(clock.now()) };
  const approval = (await records.get(id))?.build.approval;
  if (approval?.state === 'PENDING') {
    const change = { ...end, approval: { ...approval, state: 'CANCELLED' as const } };
    if ((await records.update(id, ['PENDING'], change)) !== undefined) return true;
  }
  if (!(await queue.withdraw(id))) return false;
  const writer = logs.writer(id);
  writer.append('CANCELLED\nERROR: context canceled\n');
  await writer.close();
  await records.update(id, ['QUEUED'], end);
  return true;
}
