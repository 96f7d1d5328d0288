/** Artifact Registry's JSON, as far as gcloud and its libraries read it (REST reference, v1). Times are RFC 3339. */
export interface WireRepository {
  name: string;
  format: 'DOCKER';
  mode: 'STANDARD_REPOSITORY' | 'REMOTE_REPOSITORY' | 'VIRTUAL_REPOSITORY';
  description?: string;
  labels?: Record<string, string>;
  createTime: string;
  updateTime: string;
  /** A number as text. */
  sizeBytes?: string;
  dockerConfig?: { immutableTags: boolean };
  cleanupPolicies?: Record<string, WireCleanupPolicy>;
  cleanupPolicyDryRun?: boolean;
  remoteRepositoryConfig?: WireRemote;
  virtualRepositoryConfig?: { upstreamPolicies: WireUpstreamPolicy[] };
  registryUri?: string;
}

export interface WireCleanupPolicy {
  id?: string;
  action?: string;
  condition?: {
    tagState?: string;
    tagPrefixes?: string[];
    versionNamePrefixes?: string[];
    packageNamePrefixes?: string[];
    /** `2592000s`. */
    olderThan?: string;
    newerThan?: string;
  };
  mostRecentVersions?: { keepCount?: number; packageNamePrefixes?: string[] };
}

export interface WireRemote {
  description?: string;
  dockerRepository?: { publicRepository?: string; customRepository?: { uri?: string } };
  commonRepository?: { uri?: string };
  upstreamCredentials?: unknown;
}

export interface WireUpstreamPolicy {
  id: string;
  /** `projects/P/locations/L/repositories/R`. */
  repository: string;
  priority: number;
}

export interface WireDockerImage {
  name: string;
  /** `HOST/P/R/IMAGE@DIGEST`: gcloud takes it apart at its only `@`. */
  uri: string;
  tags?: string[];
  imageSizeBytes: string;
  mediaType: string;
  uploadTime: string;
  updateTime: string;
}

export interface WireVersion {
  name: string;
  createTime: string;
  updateTime: string;
  relatedTags?: WireTag[];
  metadata?: { name: string; imageSizeBytes: string; mediaType: string };
}

export interface WireTag {
  name: string;
  /** Full name of a version. */
  version: string;
}

export interface WireOperation {
  name: string;
  done: true;
  metadata: { '@type': string };
  response: { '@type': string; [field: string]: unknown };
}
