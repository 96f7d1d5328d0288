import type { Build, BuildStatus } from '../../builds/build.ts';

/**
 * The JSON of Cloud Build's API. A Build is stored as the API names it, so it goes out as it is; what stands here is what
 * is wrapped around it.
 */
export type WireBuild = Build;

export interface WireOperation {
  /** `operations/build/<project>/<base64 of the build id>`. */
  name: string;
  metadata: { '@type': string; build: WireBuild };
  done?: boolean;
  response?: { '@type': string } & WireBuild;
  error?: { code: number; message: string };
}

export interface WireBuildList {
  /** Left out when there is none, as Google leaves out empty lists. */
  builds?: WireBuild[];
  nextPageToken?: string;
}

export interface WireOperationList {
  operations?: WireOperation[];
  nextPageToken?: string;
}

export interface WireServiceAccount {
  name: string;
  serviceAccountEmail: string;
}

const METADATA = 'type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata';
const BUILD = 'type.googleapis.com/google.devtools.cloudbuild.v1.Build';

export function operationName(build: Pick<Build, 'id' | 'projectId'>): string {
  return `operations/build/${build.projectId}/${Buffer.from(build.id).toString('base64')}`;
}

/** The build id in the last part of an operation's name: base64 as in ours, or the id itself as some clients poll. */
export function buildIdOf(operation: string): string {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(operation)) return operation;
  return Buffer.from(operation, 'base64').toString('utf8');
}

/** google.rpc.Code of a build that did not succeed. */
const ERROR_CODES: Partial<Record<BuildStatus, number>> = {
  CANCELLED: 1,
  FAILURE: 2,
  TIMEOUT: 4,
  EXPIRED: 4,
  INTERNAL_ERROR: 13,
};

/** A build as the long-running operation that create and retry answer with. */
export function operationOf(build: Build): WireOperation {
  const operation: WireOperation = { name: operationName(build), metadata: { '@type': METADATA, build } };
  if (build.status === 'SUCCESS') return { ...operation, done: true, response: { '@type': BUILD, ...build } };
  const code = ERROR_CODES[build.status];
  if (code === undefined) return operation;
  const message = build.failureInfo?.detail ?? build.statusDetail ?? `Build ended with status ${build.status}`;
  return { ...operation, done: true, error: { code, message } };
}
