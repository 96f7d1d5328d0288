/**
 * A repository as Artifact Registry has it: what holds for all images `LOCATION/PROJECT/REPOSITORY/...`. Fields and their
 * meaning are those of its REST resource `projects.locations.repositories`; `anonymousPull` is ours, in place of an IAM
 * binding for `allUsers`.
 */
export interface Repository extends RepositoryId {
  /** `standard` holds what is pushed; `remote` what its upstream has; `virtual` puts several behind one name. */
  mode: RepositoryMode;
  description: string;
  labels: Record<string, string>;
  /** A tag that was set can be neither moved nor removed, and what it is on can't be deleted. */
  immutableTags: boolean;
  /** Whoever knows its name may pull, without a token. */
  anonymousPull: boolean;
  cleanupPolicies: CleanupPolicy[];
  /** Policies say what they would do, and do nothing. */
  cleanupDryRun: boolean;
  /** Of mode `remote` alone. */
  remote?: RemoteUpstream | undefined;
  /** Of mode `virtual` alone. */
  virtual?: VirtualUpstream[] | undefined;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
}

export interface RepositoryId {
  location: string;
  project: string;
  repository: string;
}

export type RepositoryMode = 'standard' | 'remote' | 'virtual';

/** Where a remote repository has its images from. */
export interface RemoteUpstream {
  /** Registry, and below it a path that every image name is put behind: `https://registry-1.docker.io`, `http://host:5000/team`. */
  url: string;
  /** Docker Hub's own: single names live below `library/`. */
  dockerHub: boolean;
  /** Name of the upstream's user; its password lies in a file of this machine, never in a row. */
  username?: string | undefined;
  passwordFile?: string | undefined;
  /** Platforms that are fetched with an index (`linux/amd64`), so that they can be pulled later without upstream; absent: what is asked for. */
  platforms?: string[] | undefined;
  /** Seconds for which a tag counts as fresh without asking upstream. */
  freshSeconds: number;
  /**
   * The owner of the data folder wrote the address down: it is spoken to wherever it lies, also on this machine's own network,
   * and a password may be read for it. Absent for whoever came over HTTP; then neither holds.
   */
  byOwner?: boolean | undefined;
}

/** One of the repositories behind a virtual one. The highest priority that has the image is served. */
export interface VirtualUpstream {
  id: string;
  priority: number;
  repository: RepositoryId;
}

/**
 * What goes by itself, in Artifact Registry's fields. A version goes when a `delete` policy selects it and no `keep` policy
 * does; conditions of one policy are joined by "and". What an index, a tag that is immutable, or a subject keeps is kept.
 */
export type CleanupPolicy =
  | { id: string; action: 'delete' | 'keep'; condition: CleanupCondition }
  | { id: string; action: 'keep'; mostRecent: { keepCount: number; packageNamePrefixes?: string[] | undefined } };

export interface CleanupCondition {
  tagState?: 'tagged' | 'untagged' | 'any' | undefined;
  tagPrefixes?: string[] | undefined;
  versionNamePrefixes?: string[] | undefined;
  /** Image names. */
  packageNamePrefixes?: string[] | undefined;
  /** Seconds since it was pushed. */
  olderThan?: number | undefined;
  newerThan?: number | undefined;
}

export function repositoryPath({ location, project, repository }: RepositoryId): string {
  return `${location}/${project}/${repository}`;
}
