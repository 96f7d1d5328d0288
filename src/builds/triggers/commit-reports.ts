import type { BuildStatus } from '../build.ts';

/** States that GitLab knows for a commit. */
export type CommitState = 'pending' | 'running' | 'success' | 'failed' | 'canceled';

/** A build whose commit is to show how it stands. Made before the build is, so that no crash comes between. */
export interface CommitReport {
  /** Id of the build, also of one that could not be made. */
  build: string;
  /** Resource name of the connected repository. */
  repository: string;
  commit: string;
  /** Branch or tag, which tells the host's pipelines apart. */
  ref?: string | undefined;
  /** What the state stands under: the same for every build of a trigger. */
  context: string;
  /** Milliseconds since 1970. */
  at: number;
}

export interface OpenReport extends CommitReport {
  /** The last state that the host took. */
  told?: CommitState | undefined;
  /** Tries since then that failed. */
  failures: number;
  /** Where the build is; absent when there is none (yet). */
  status?: BuildStatus | undefined;
  logUrl?: string | undefined;
  /** What is told of a build that could not be made. */
  problem?: string | undefined;
}

export interface CommitReports {
  add(report: CommitReport): Promise<void>;
  /** The commit of one build shows another one from now on, if it shows any. */
  follow(from: string, to: string, at: number): Promise<void>;
  /** The build could not be made: the commit shows `failed` with this text. */
  fail(build: string, problem: string): Promise<void>;
  /** Open ones with something to tell whose time has come, oldest first; one whose state the host knows already is not among them. */
  due(now: number, limit: number): Promise<OpenReport[]>;
  told(build: string, state: CommitState): Promise<void>;
  /** Tried in vain. */
  retryAt(build: string, at: number): Promise<void>;
  /** Nothing more is told of it. */
  close(build: string): Promise<void>;
  /** Forgets those of before this time. */
  forget(before: number): Promise<void>;
  /** Whether any is open. */
  any(): Promise<boolean>;
}
