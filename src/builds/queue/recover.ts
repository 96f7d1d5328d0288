import { join } from 'node:path';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { LogStore } from '../../stores/logs/logs.ts';
import type { BuildPools } from '../pools/build-pools.ts';
import type { BuildRecords } from '../records.ts';
import { BuildFailure } from '../run/failure.ts';
import type { BuildQueue } from './queue.ts';
import { queueEntryOf } from './queue-entry.ts';

export interface RecoverDeps {
  records: BuildRecords;
  queue: BuildQueue;
  pools: Pick<BuildPools, 'keyOf'>;
  logs: Pick<LogStore, 'writer'>;
  clock: Clock;
  /** DATA/builds. */
  folder: string;
  /** Ends what belongs to the build elsewhere: its image names, its token. Containers are containers.sweep()'s. */
  endScope(id: string): Promise<void>;
}

/** Why a build ends whose process is dead; it is ours to explain. */
export function deathOf(reason: string): BuildFailure {
  return new BuildFailure('INTERNAL_ERROR', 'FAILURE_TYPE_UNSPECIFIED', reason, {
    advice: 'Start it again: gcloud builds submit, or slipway builds retry.',
  });
}

/**
 * Ends a build whose process is dead: its log gets a last line and is closed, then it has its status with the reason.
 * It is not run again, because steps have effects that must not happen twice.
 */
export async function endOrphan(id: string, failure: BuildFailure, deps: RecoverDeps): Promise<void> {
  const record = await deps.records.get(id);
  const status = record?.build.status;
  if (status === 'QUEUED' || status === 'WORKING') {
    const writer = deps.logs.writer(id);
    writer.append(lastLines(failure));
    await writer.close().catch((error: unknown) => log.error({ build: id, error: messageOf(error) }, 'log not closed'));
    const now = timestamp(deps.clock.now());
    await deps.records.update(id, ['QUEUED', 'WORKING'], {
      status: failure.status,
      statusDetail: failure.message,
      ...(failure.status === 'CANCELLED' ? {} : { failureInfo: { type: failure.type, detail: failure.message } }),
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

function lastLines({ status, message, advice }: BuildFailure): string {
  const word = status === 'CANCELLED' || status === 'TIMEOUT' ? status : 'ERROR';
  return `${word}\nERROR: ${message}\n${advice === undefined ? '' : `${advice}\n`}`;
}

/** What became of the builds that died with the owner before. */
export interface Recovered {
  /** Had begun, and have ended as INTERNAL_ERROR. */
  ended: string[];
  /** Had not begun, and wait again. */
  waiting: string[];
}

/**
 * At the owner's start: every claim is of a process that died with the owner before, and a build that is neither final nor in
 * the queue was on its way in or out of it.
 */
export async function recoverBuilds(deps: RecoverDeps): Promise<Recovered> {
  const recovered: Recovered = { ended: [], waiting: [] };
  const ids = [...(await deps.queue.claims()).map(({ id }) => id), ...(await deps.queue.strays())];
  for (const id of ids) {
    try {
      if (await waitsAgain(id, deps)) recovered.waiting.push(id);
      else {
        await endOrphan(id, deathOf('the server ended while the build ran'), deps);
        recovered.ended.push(id);
      }
    } catch (error) {
      // one that can't be cleared away must not keep the server from starting; the next start tries again
      log.error({ build: id, error: messageOf(error) }, 'a build that died could not be ended');
    }
  }
  return recovered;
}

/** Nothing of a QUEUED build has happened yet, whoever had claimed it. */
async function waitsAgain(id: string, { records, queue, pools }: RecoverDeps): Promise<boolean> {
  const build = (await records.get(id))?.build;
  if (build?.status !== 'QUEUED') return false;
  const since = Date.parse(build.approval?.result?.approvalTime ?? build.createTime);
  await queue.enqueue(await queueEntryOf(build, since, pools));
  await queue.release(id);
  return true;
}
