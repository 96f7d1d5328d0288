/** A repository as triggers come to it. Plain data: another process reads it. */
export interface RepositoryAddress {
  /** https, without user and password. */
  url: string;
  /** `user:password`, sent to the host of `url` alone. */
  credentials?: string | undefined;
}

export interface CommitQuestion {
  repository: RepositoryAddress;
  /** A whole hash, or a whole name of a ref (`refs/heads/main`); absent: HEAD. */
  revision?: string | undefined;
  /** A ref in which the commit is, for servers that don't give it by its hash. */
  ref?: string | undefined;
  /** Files wanted. */
  paths: readonly string[];
}

export interface CommitAnswer {
  commit: string;
  message: string;
  /** In the order of `paths`; absent files and folders are undefined. */
  files: (string | undefined)[];
}

export interface ChangeQuestion {
  repository: RepositoryAddress;
  commit: string;
  /** In which the commit is. */
  ref?: string | undefined;
  /** The commit that it is compared with; or the branch, from where both parted. */
  since: { commit: string } | { branch: string };
}

/** Looks into repositories, in a process that may take its time (decision 0030). */
export interface CommitReader {
  /** @throws Problem `not-found`, `denied`, `unavailable`, `invalid` for a file that is too long, `exhausted` */
  read(question: CommitQuestion, signal: AbortSignal): Promise<CommitAnswer>;
  /** Paths of files that differ. @throws Problem, also when the history is lost */
  changes(question: ChangeQuestion, signal: AbortSignal): Promise<string[]>;
}
