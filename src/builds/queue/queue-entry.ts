import type { Build } from '../build.ts';
import type { BuildPools } from '../pools/build-pools.ts';
import { parseDuration } from '../request/duration.ts';
import { priorityOf } from './priority.ts';
import type { QueueEntry } from './queue.ts';

/**
 * The place that a build asks for.
 * @param since milliseconds since 1970 from which its queueTtl counts: its creation, or its approval
 * @throws Problem `invalid` when there is no such pool
 */
export async function queueEntryOf(build: Build, since: number, pools: Pick<BuildPools, 'keyOf'>): Promise<QueueEntry> {
  return {
    id: build.id,
    project: build.projectId,
    pool: await pools.keyOf(build),
    priority: priorityOf(build.tags),
    expiresAt: since + (parseDuration(build.queueTtl) ?? 0),
  };
}
