import { randomUUID } from 'node:crypto';
import { type Clock, timestamp } from '../lib/clock.ts';
import { messageOf } from '../lib/problem.ts';
import { Turns } from '../lib/turns.ts';
import type { Build } from './build.ts';
import { newBuild } from './new-build.ts';
import type { BuildPools } from './pools/build-pools.ts';
import { projectNumber } from './project-number.ts';
import type { BuildQueue } from './queue/queue.ts';
import { queueEntryOf } from './queue/queue-entry.ts';
import type { BuildRecords } from './records.ts';
import type { BuiltIns, TriggerValues } from './request/built-ins.ts';
import { type PlaceOf, problemOfComplaints } from './request/complaint.ts';
import { examineRequest } from './request/examine.ts';
import type { BuildRequest } from './request/request.ts';
import { refuseUnsupported } from './request/supported.ts';

/** Many may come at once. */
const turns = new Turns();

export interface SubmitDeps {
  records: Pick<BuildRecords, 'create' | 'update'>;
  queue: Pick<BuildQueue, 'enqueue'>;
  pools: Pick<BuildPools, 'keyOf'>;
  clock: Clock;
  /** `gs://...` of a build whose request names none. */
  logsBucket(project: string): string;
  /** The page where a person sees the build and its log. */
  logUrl(id: string): string;
  /** Something was enqueued: wake the dispatcher. */
  enqueued(): void;
  /** Whoever shows how a build stands shows the one made of it from now on. Never rejects: the build is there. */
  retried?(from: string, to: string): Promise<void>;
}

export interface Submission {
  request: BuildRequest;
  project: string;
  location: string;
  actor: string;
  /** The trigger that asks for it; absent when a person does. */
  trigger?: TriggerOrigin | undefined;
}

/** What a trigger gives a build besides its request (cloud-build reference: triggers). */
export interface TriggerOrigin {
  /** `buildTriggerId` of the build. */
  id: string;
  /** TRIGGER_NAME, COMMIT_SHA and the like, as far as the event knows them. */
  values: TriggerValues;
  /** The build is PENDING until somebody approves it. */
  approvalRequired: boolean;
  /** The build's id, where one event must not make two builds: the second is refused as a `conflict`. */
  buildId?: string | undefined;
}

/**
 * Takes a build in: substituted, checked, stored and enqueued, in that order, so what is refused leaves no trace and
 * what is answered for survives a crash.
 * @throws Problem `invalid`, `unsupported`
 */
export async function submitBuild(submission: Submission, deps: SubmitDeps): Promise<Build> {
  const { project, location, actor, trigger } = submission;
  const id = trigger?.buildId ?? randomUUID();
  const request = trigger === undefined ? submission.request : asTriggered(submission.request);
  const resolved = resolveRequest(request, { ...trigger?.values, ...builtInsOf(id, project, location) });
  refuseUnsupported(resolved);
  const now = deps.clock.now();
  const place = { id, project, location, logsBucket: deps.logsBucket(project), logUrl: deps.logUrl(id) };
  const build: Build = {
    ...newBuild(resolved, place, now),
    ...(trigger === undefined ? {} : { buildTriggerId: trigger.id }),
    ...(trigger?.approvalRequired
      ? { status: 'PENDING', approval: { state: 'PENDING', config: { approvalRequired: true } } }
      : {}),
  };
  // a pool that isn't there is refused before anything is stored
  await deps.pools.keyOf(build);
  const origin = trigger === undefined ? {} : { trigger: { id: trigger.id, values: trigger.values } };
  await turns.take();
  await deps.records.create({ build, request, actor, ...origin });
  return build.status === 'PENDING' ? build : enqueueBuild(build, deps);
}

/** A stored build, new or just approved, takes its place in the queue. */
export async function enqueueBuild(build: Build, deps: SubmitDeps): Promise<Build> {
  const { id } = build;
  const now = deps.clock.now();
  try {
    await deps.queue.enqueue(await queueEntryOf(build, now, deps.pools));
  } catch (error) {
    // an error answer would make gcloud send the build again, four times: it exists, so it ends where all can see it
    const statusDetail = `the build could not be enqueued: ${messageOf(error)}`;
    const change = { status: 'INTERNAL_ERROR' as const, statusDetail, finishTime: timestamp(deps.clock.now()) };
    return (await deps.records.update(id, ['QUEUED'], change).catch(() => undefined)) ?? build;
  }
  deps.enqueued();
  return build;
}

/**
 * The request as it would run: substituted and checked.
 * @throws Problem `invalid`
 */
export function resolveRequest(request: BuildRequest, builtIns: BuiltIns, placeOf?: PlaceOf): BuildRequest {
  const { request: resolved, complaints } = examineRequest(request, builtIns);
  if (complaints.length > 0) throw problemOfComplaints(complaints, placeOf);
  return resolved;
}

/** What the hosted service sets for every build of a trigger, whatever its file says. */
function asTriggered(request: BuildRequest): BuildRequest {
  const options = { ...request.options, substitutionOption: 'ALLOW_LOOSE' as const, dynamicSubstitutions: true };
  return { ...request, options };
}

export function builtInsOf(id: string, project: string, location: string): BuiltIns {
  return { PROJECT_ID: project, PROJECT_NUMBER: projectNumber(project), LOCATION: location, BUILD_ID: id };
}
