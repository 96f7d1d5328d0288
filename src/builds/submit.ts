import { randomUUID } from 'node:crypto';
import { type Clock, timestamp } from '../lib/clock.ts';
import { messageOf } from '../lib/problem.ts';
import type { Build } from './build.ts';
import { projectNumber } from './project-number.ts';
import type { BuildQueue } from './queue/queue.ts';
import type { BuildRecords } from './records.ts';
import { parseDuration } from './request/duration.ts';
import type { BuildRequest } from './request/request.ts';
import { type BuiltIns, substitute } from './request/substitute.ts';
import { refuseUnsupported } from './request/supported.ts';
import { validateBuild } from './request/validate.ts';

/** What a build without `timeout` and `queueTtl` gets, as on the hosted service. */
const DEFAULT_TIMEOUT = '3600s';
const DEFAULT_QUEUE_TTL = '3600s';

export interface SubmitDeps {
  records: Pick<BuildRecords, 'create' | 'update'>;
  queue: Pick<BuildQueue, 'enqueue'>;
  clock: Clock;
  /** `gs://...` of a build whose request names none. */
  logsBucket(project: string): string;
  /** The page where a person sees the build and its log. */
  logUrl(id: string): string;
  /** Something was enqueued: wake the dispatcher. */
  enqueued(): void;
}

export interface Submission {
  request: BuildRequest;
  project: string;
  location: string;
  actor: string;
}

/**
 * Takes a build in: substituted, checked, stored and enqueued, in that order, so what is refused leaves no trace and
 * what is answered for survives a crash.
 * @throws Problem `invalid`, `unsupported`
 */
export async function submitBuild(submission: Submission, deps: SubmitDeps): Promise<Build> {
  const { request, project, location, actor } = submission;
  const id = randomUUID();
  const resolved = resolveRequest(request, builtInsOf(id, project, location));
  refuseUnsupported(resolved);
  const now = deps.clock.now();
  const build: Build = {
    ...resolved,
    id,
    name: `projects/${projectNumber(project)}/locations/${location}/builds/${id}`,
    projectId: project,
    steps: resolved.steps ?? [],
    options: { logging: 'LEGACY', ...resolved.options },
    status: 'QUEUED',
    createTime: timestamp(now),
    timeout: resolved.timeout ?? DEFAULT_TIMEOUT,
    queueTtl: resolved.queueTtl ?? DEFAULT_QUEUE_TTL,
    logsBucket: bucketUrl(resolved.logsBucket) ?? deps.logsBucket(project),
    logUrl: deps.logUrl(id),
  };
  await deps.records.create({ build, request, actor });
  try {
    await deps.queue.enqueue(id, now + (parseDuration(build.queueTtl) ?? 0));
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
 * The request as it would run: substituted and checked. `slipway render` shows it.
 * @throws Problem `invalid`
 */
export function resolveRequest(
  request: BuildRequest,
  builtIns: BuiltIns,
  placeOf?: Parameters<typeof substitute>[2],
): BuildRequest {
  const { request: resolved, empty } = substitute(request, builtIns, placeOf);
  validateBuild(resolved, empty, placeOf);
  return resolved;
}

export function builtInsOf(id: string, project: string, location: string): BuiltIns {
  return { PROJECT_ID: project, PROJECT_NUMBER: projectNumber(project), LOCATION: location, BUILD_ID: id };
}

function bucketUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return text.startsWith('gs://') ? text.replace(/\/+$/, '') : `gs://${text.replace(/\/+$/, '')}`;
}
