import { timestamp } from '../lib/clock.ts';
import type { Build } from './build.ts';
import { projectNumber } from './project-number.ts';
import type { BuildRequest } from './request/request.ts';

/** What a build without `timeout` and `queueTtl` gets, as on the hosted service. */
const DEFAULT_TIMEOUT = '3600s';
const DEFAULT_QUEUE_TTL = '3600s';

export interface NewBuildPlace {
  id: string;
  project: string;
  location: string;
  /** `gs://...` of a build whose request names none. */
  logsBucket: string;
  logUrl: string;
}

/**
 * A build that waits, made of a request.
 * @param request substituted and checked
 * @param now milliseconds since 1970
 */
export function newBuild(request: BuildRequest, place: NewBuildPlace, now: number): Build {
  const { id, project, location, logUrl } = place;
  return {
    ...request,
    id,
    name: `projects/${projectNumber(project)}/locations/${location}/builds/${id}`,
    projectId: project,
    steps: request.steps ?? [],
    options: { logging: 'LEGACY', ...request.options },
    status: 'QUEUED',
    createTime: timestamp(now),
    timeout: request.timeout ?? DEFAULT_TIMEOUT,
    queueTtl: request.queueTtl ?? DEFAULT_QUEUE_TTL,
    logsBucket: bucketUrl(request.logsBucket) ?? place.logsBucket,
    logUrl,
  };
}

function bucketUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return text.startsWith('gs://') ? text.replace(/\/+$/, '') : `gs://${text.replace(/\/+$/, '')}`;
}
