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
 * Cancels a build for a user. One that waits is taken out of the queue; one that runs is asked to stop and waited for,
 * because its status changes only after its log is closed.
 * @throws Problem `not-found`, `conflict` when it has ended otherwise
 */
export async function cancelBuild(id: string, deps: CancelDeps): Promise<Build> {
  if (await deps.queue.withdraw(id)) {
    const writer = deps.logs.writer(id);
    writer.append('CANCELLED\nERROR: context canceled\n');
    await writer.close();
    const finishTime = timestamp(deps.clock.now());
    await deps.records.update(id, ['QUEUED', 'PENDING'], { status: 'CANCELLED', finishTime });
  } else deps.stop(id);
  const build = await waitForEnd(id, deps);
  if (isFinal(build.status) && build.status !== 'CANCELLED')
    throw new Problem('conflict', `build ${id} cannot be cancelled: it has ended with status ${build.status}`);
  return build;
}

async function waitForEnd(id: string, deps: CancelDeps): Promise<Build> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const build = (await deps.records.get(id))?.build;
    if (build === undefined) throw new Problem('not-found', 'Requested entity was not found.');
    if (isFinal(build.status) || performance.now() > until) return build;
    await pause(50);
  }
}
