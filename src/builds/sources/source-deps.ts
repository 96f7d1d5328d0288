import type { GitSandbox } from '../../engine/sources/git-sandbox.ts';
import type { SnapshotParts } from './snapshot-source.ts';

/** What sources come by, beside buckets. */
export interface SourceDeps {
  /** Runs git under this server's rules of addresses and sizes (decision 0010). */
  git: GitSandbox;
  /** Of `slipway submit`. */
  snapshots: SnapshotParts;
  /** Absent: this server connects none. */
  repositories?: ConnectedRepositories | undefined;
}

/** Repositories that a project was connected to, with the credentials that only the server knows. */
export interface ConnectedRepositories {
  /**
   * @param name what the request says: `projects/P/locations/L/connections/C/repositories/R`, the same with
   *   `gitRepositoryLinks`, or the bare name of `repoSource`
   * @returns undefined when this project has no such repository
   */
  resolveRepository(project: string, name: string): Promise<ConnectedRepository | undefined>;
}

export interface ConnectedRepository {
  /** https, without user and password. */
  url: string;
  /** `user:password`, sent to the host of `url` alone. */
  credentials?: string | undefined;
}
