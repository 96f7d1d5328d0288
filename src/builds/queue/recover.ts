import { join } from 'node:path';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { LogStore } from '../../stores/logs/logs.ts';
import type { BuildRecords } from '../records.ts';
import type { BuildQueue } from './queue.ts';

export interface RecoverDeps {
  records: BuildRecords;
  queue: BuildQueue;
  logs: Pick<LogStore, 'writer'>;
  clock: Clock;
  /** DATA/builds. */
  folder: string;
  /** Ends what belongs to the build elsewhere: its image names, its token. Containers are containers.sweep()'s. */
  endScope(id: string): Promise<void>;
}

/**
 * Ends a build whose process is dead: its log gets a last line and is closed, then it is INTERNAL_ERROR with the reason.
 * It is not run again, because steps have effects that must not happen twice.
 */
export async function endOrphan(id: string, reason: string, deps: RecoverDeps): Promise<void> {
  const record = await deps.records.get(id);
  const status = record?.build.status;
  if (status === 'QUEUED' || status === 'WORKING') {
    const writer = deps.logs.writer(id);
    writer.append(`ERROR\nERROR: ${reason}\n`);
    await writer.close().catch((error: unknown) => log.error({ build: id, error: messageOf(error) }, 'log not closed'));
    const now = timestamp(deps.clock.now());
    await deps.records.update(id, ['QUEUED', 'WORKING'], {
      status: 'INTERNAL_ERROR',
      statusDetail: reason,
      failureInfo: { type: 'FAILURE_TYPE_UNSPECIFIED', detail: reason },
      finishTime: now,
      steps: (record?.build.steps ?? []).map((step) =>
        step.status === 'WORKING' ? { ...step, status: 'CANCELLED', timing: { ...step.timing, endTime: now } } : step,
      ),
    });
  }
  await deps.endScope(id);
  await removeTree(join(deps.folder, id));
  await deps.queue.finish(id);
}

/** At the owner's start: every claim is of a process that died with the owner before. @returns the builds it ended */
export async function endOrphans(deps: RecoverDeps): Promise<string[]> {
  const ended: string[] = [];
  for (const { id } of await deps.queue.claims()) {
    try {
      await endOrphan(id, 'the server ended while the build ran; submit it again', deps);
      ended.push(id);
    } catch (error) {
      // one that can't be cleared away must not keep the server from starting; the next start tries again
      log.error({ build: id, error: messageOf(error) }, 'a build that died could not be ended');
    }
  }
  return ended;
}
