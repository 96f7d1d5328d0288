import { ConnectionService } from '../builds/gitlab/connection-service.ts';
import { type SubmitDeps, submitBuild } from '../builds/submit.ts';
import type { CommitReader } from '../builds/triggers/commit-reader.ts';
import type { CommitReports } from '../builds/triggers/commit-reports.ts';
import { DeliveryQueue } from '../builds/triggers/delivery-queue.ts';
import { WebhookReceiver } from '../builds/triggers/receive.ts';
import { CommitReporter } from '../builds/triggers/report-commits.ts';
import { TriggerSchedules } from '../builds/triggers/run-schedules.ts';
import type { StartDeps } from '../builds/triggers/start-build.ts';
import { TriggerService } from '../builds/triggers/trigger-service.ts';
import { TriggerSources } from '../builds/triggers/trigger-source.ts';
import { workOnDelivery } from '../builds/triggers/work-on-delivery.ts';
import type { Triggering } from '../doors/cloudbuild/call.ts';
import { systemClock } from '../lib/clock.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import type { Owner } from './owner.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface TriggerParts {
  owner: Owner;
  submit: SubmitDeps;
  pool: Pick<WorkerPool, 'resident'>;
  publicUrl: string;
  defaultLocation(): string;
}

export interface Triggers extends Triggering {
  /** A build was made of another: its commit shows it. */
  retried(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}

/** Everything of triggers that the server runs: what comes in, schedules, states of commits. */
export async function openTriggers({
  owner,
  submit,
  pool,
  publicUrl,
  defaultLocation,
}: TriggerParts): Promise<Triggers> {
  const { gitlab } = owner;
  const rows = owner.triggerRows;
  const clock = systemClock;
  const reporter = new CommitReporter({ reports: rows.reports, gitlab, clock });
  const start: StartDeps = {
    reader: readerOver(pool),
    sources: new TriggerSources(gitlab),
    submit: (submission) => submitBuild(submission, submit),
    defaultLocation,
    reports: waking(rows.reports, reporter),
    clock,
  };
  const exists = async (build: string) => (await owner.stores.builds.get(build)) !== undefined;
  const work = { ...start, ...rows, reports: { ...rows.reports, ...start.reports }, gitlab, exists };
  const queue = new DeliveryQueue({
    inbox: rows.inbox,
    clock,
    work: (delivery, signal) => workOnDelivery(delivery, work, signal),
  });
  await queue.resume();
  const schedules = new TriggerSchedules({ ...rows, queue, clock });
  return {
    triggers: new TriggerService({ ...rows, clock, start, rescheduled: () => schedules.look() }),
    connections: new ConnectionService({ ...rows, gitlab, clock, publicUrl }),
    webhooks: new WebhookReceiver({ ...rows, gitlab, queue, clock }),
    async retried(from, to) {
      try {
        await rows.reports.follow(from, to, clock.now());
        reporter.wake();
      } catch (error) {
        log.error({ build: to, error: messageOf(error) }, 'the commit of a build that was made again does not show it');
      }
    },
    async close() {
      await schedules.close();
      await queue.close();
      await reporter.close();
    },
  };
}

/** git runs in the worker that stays, where it holds no door up. */
function readerOver(pool: Pick<WorkerPool, 'resident'>): CommitReader {
  return {
    read: (question, signal) =>
      pool.resident('readCommit', [question], () => undefined, signal) as ReturnType<CommitReader['read']>,
    changes: (question, signal) =>
      pool.resident('readChanges', [question], () => undefined, signal) as ReturnType<CommitReader['changes']>,
  };
}

/** Whoever follows the states of commits sleeps while there are none. */
function waking(reports: CommitReports, reporter: CommitReporter): Pick<CommitReports, 'add' | 'fail'> {
  return {
    async add(report) {
      await reports.add(report);
      reporter.wake();
    },
    async fail(build, problem) {
      await reports.fail(build, problem);
      reporter.wake();
    },
  };
}
