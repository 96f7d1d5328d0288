import type { BuildOptions, BuildRequest, BuildStepRequest } from './request/request.ts';

/**
 * One build, as Cloud Build's API names it (projects.builds): this is what is stored and what the door sends, so durations
 * are `600s`, times RFC 3339 in UTC and 64-bit numbers decimal strings.
 *
 * The life of a build:
 *
 *   QUEUED  -> WORKING      a worker has claimed it
 *   QUEUED  -> CANCELLED    the user changed their mind before it began
 *   QUEUED  -> EXPIRED      queueTtl is over and no worker was free
 *   QUEUED  -> INTERNAL_ERROR   its process could not be started
 *   WORKING -> SUCCESS | FAILURE | TIMEOUT | CANCELLED | INTERNAL_ERROR
 *   PENDING -> QUEUED | CANCELLED   waits for approval (triggers only)
 *
 * Nothing leaves a final status. A final status is published only after the log is closed, because clients read the log
 * to its end when they see one, and never again. INTERNAL_ERROR means that it was our fault (the worker died, a bug):
 * what is the user's to mend is FAILURE.
 *
 * Steps: absent -> QUEUED -> WORKING -> SUCCESS | FAILURE | TIMEOUT | CANCELLED. A step that was never begun stays QUEUED.
 */
export type BuildStatus =
  | 'PENDING'
  | 'QUEUED'
  | 'WORKING'
  | 'SUCCESS'
  | 'FAILURE'
  | 'INTERNAL_ERROR'
  | 'TIMEOUT'
  | 'CANCELLED'
  | 'EXPIRED';

const TRANSITIONS: Record<BuildStatus, readonly BuildStatus[]> = {
  PENDING: ['QUEUED', 'CANCELLED', 'EXPIRED'],
  QUEUED: ['WORKING', 'CANCELLED', 'EXPIRED', 'INTERNAL_ERROR'],
  WORKING: ['WORKING', 'SUCCESS', 'FAILURE', 'TIMEOUT', 'CANCELLED', 'INTERNAL_ERROR'],
  SUCCESS: [],
  FAILURE: [],
  INTERNAL_ERROR: [],
  TIMEOUT: [],
  CANCELLED: [],
  EXPIRED: [],
};

export const BUILD_STATUSES = Object.keys(TRANSITIONS) as readonly BuildStatus[];

/** Whether a build may go from one status to the other; WORKING to WORKING is progress within. */
export function mayBecome(from: BuildStatus, to: BuildStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

export function isFinal(status: BuildStatus): boolean {
  return TRANSITIONS[status].length === 0;
}

export interface TimeSpan {
  startTime?: string | undefined;
  endTime?: string | undefined;
}

export type StepStatus = 'QUEUED' | 'WORKING' | 'SUCCESS' | 'FAILURE' | 'TIMEOUT' | 'CANCELLED';

export interface BuildStep extends BuildStepRequest {
  status?: StepStatus | undefined;
  exitCode?: number | undefined;
  timing?: TimeSpan | undefined;
  pullTiming?: TimeSpan | undefined;
}

export interface BuiltImage {
  name: string;
  digest: string;
  pushTiming?: TimeSpan | undefined;
}

export interface BuildResults {
  /** Those of `images:`, then those that steps pushed by themselves. */
  images?: BuiltImage[] | undefined;
  /** Digest of each step's image; empty for a native builder, which has none. */
  buildStepImages?: string[] | undefined;
  /** Base64 of what each step wrote to $BUILDER_OUTPUT/output. */
  buildStepOutputs?: string[] | undefined;
  /** `gs://...` of the list of uploaded objects, one JSON line each. */
  artifactManifest?: string | undefined;
  /** How many objects were uploaded, as a decimal string. */
  numArtifacts?: string | undefined;
  artifactTiming?: TimeSpan | undefined;
}

/** A build that a trigger started may have to wait until a person says yes. */
export interface BuildApproval {
  state: 'PENDING' | 'APPROVED' | 'REJECTED' | 'CANCELLED';
  config: { approvalRequired: true };
  result?:
    | {
        approverAccount: string;
        approvalTime: string;
        decision: 'APPROVED' | 'REJECTED';
        comment?: string | undefined;
        url?: string | undefined;
      }
    | undefined;
}

/** What was fetched, to the exact generation or commit. */
export interface SourceProvenance {
  resolvedStorageSource?: StorageSource | undefined;
  resolvedStorageSourceManifest?: NonNullable<BuildRequest['source']>['storageSourceManifest'];
  resolvedRepoSource?: NonNullable<BuildRequest['source']>['repoSource'];
  resolvedGitSource?: NonNullable<BuildRequest['source']>['gitSource'];
  resolvedConnectedRepository?: NonNullable<BuildRequest['source']>['connectedRepository'];
  /** By the resource that was fetched; only when options.sourceProvenanceHash asks for it. */
  fileHashes?: Record<string, { fileHash: { type: 'SHA256' | 'MD5' | 'SHA512'; value: string }[] }> | undefined;
}

export type FailureType =
  | 'FAILURE_TYPE_UNSPECIFIED'
  | 'PUSH_FAILED'
  | 'PUSH_IMAGE_NOT_FOUND'
  | 'PUSH_NOT_AUTHORIZED'
  | 'LOGGING_FAILURE'
  | 'USER_BUILD_STEP'
  | 'FETCH_SOURCE_FAILED';

export interface FailureInfo {
  type: FailureType;
  detail: string;
}

export type Phase = 'FETCHSOURCE' | 'SETUPBUILD' | 'BUILD' | 'PUSH';

export interface Build extends Omit<BuildRequest, 'steps'> {
  id: string;
  /** `projects/<number>/locations/<location>/builds/<id>`. */
  name: string;
  projectId: string;
  /** Substituted: as the steps run. */
  steps: BuildStep[];
  options: BuildOptions;
  timeout: string;
  queueTtl: string;
  status: BuildStatus;
  statusDetail?: string | undefined;
  createTime: string;
  startTime?: string | undefined;
  finishTime?: string | undefined;
  logsBucket: string;
  logUrl: string;
  results?: BuildResults | undefined;
  timing?: Partial<Record<Phase, TimeSpan>> | undefined;
  failureInfo?: FailureInfo | undefined;
  sourceProvenance?: SourceProvenance | undefined;
  buildTriggerId?: string | undefined;
  approval?: BuildApproval | undefined;
  warnings?: BuildWarning[] | undefined;
}

export interface BuildWarning {
  text: string;
  priority: 'INFO' | 'WARNING' | 'ALERT';
}

type StorageSource = NonNullable<NonNullable<BuildRequest['source']>['storageSource']>;

/** Where a build runs, from its resource name (`global` when clients name no region). */
export function locationOf(build: Pick<Build, 'name'>): string {
  return build.name.split('/')[3] ?? 'global';
}
