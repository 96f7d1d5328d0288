import { type Clock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { LogStore } from '../../stores/logs/logs.ts';
import type { Build, BuildApproval } from '../build.ts';
import type { BuildRecords } from '../records.ts';
import { enqueueBuild, type SubmitDeps } from '../submit.ts';

export interface ApproveDeps {
  records: Pick<BuildRecords, 'get' | 'update'>;
  submit: SubmitDeps;
  logs: Pick<LogStore, 'writer'>;
  clock: Clock;
}

/** What somebody decided of a build that waits for approval. */
export type Decision = Pick<NonNullable<BuildApproval['result']>, 'decision' | 'comment' | 'url'>;

/**
 * Lets a build go that waits for approval, or ends it. Its queueTtl begins now: nobody's thinking time lets it expire.
 * @param approver for the record
 * @throws Problem `not-found`, `conflict` when it doesn't wait for approval (any more)
 */
export async function approveBuild(
  id: string,
  decision: Decision,
  approver: string,
  deps: ApproveDeps,
): Promise<Build> {
  const now = timestamp(deps.clock.now());
  const approved = decision.decision === 'APPROVED';
  const approval: BuildApproval = {
    state: approved ? 'APPROVED' : 'REJECTED',
    config: { approvalRequired: true },
    result: { approverAccount: approver, approvalTime: now, ...decision },
  };
  if (!approved) await logRejection(id, decision, approver, deps);
  const end = { status: 'CANCELLED' as const, statusDetail: rejection(decision, approver), finishTime: now };
  const build = await deps.records.update(id, ['PENDING'], {
    approval,
    ...(approved ? { status: 'QUEUED' as const } : end),
  });
  if (build === undefined) throw await notPending(id, deps);
  return approved ? enqueueBuild(build, deps.submit) : build;
}

/** Before the status, as for every end: who sees it can read the whole log. */
async function logRejection(id: string, decision: Decision, approver: string, deps: ApproveDeps): Promise<void> {
  if ((await deps.records.get(id))?.build.status !== 'PENDING') throw await notPending(id, deps);
  const writer = deps.logs.writer(id);
  writer.append(`CANCELLED\nERROR: ${rejection(decision, approver)}\n`);
  await writer.close();
}

function rejection({ comment }: Decision, approver: string): string {
  return `rejected by ${approver}${comment === undefined || comment === '' ? '' : `: ${comment}`}`;
}

async function notPending(id: string, { records }: ApproveDeps): Promise<Problem> {
  const status = (await records.get(id))?.build.status;
  if (status === undefined) return new Problem('not-found', 'Requested entity was not found.');
  return new Problem('conflict', `build ${id} does not wait for approval: its status is ${status}`);
}
