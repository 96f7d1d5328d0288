/**
 * What happened in a repository, whoever told us: a host's payload becomes one of these (gitlab/read-event.ts), and
 * everything behind it (decide.ts, values.ts) knows no host.
 */
export interface PushEvent {
  kind: 'push';
  /** A branch or a tag moved there; a deleted one has no commit. */
  branch?: string | undefined;
  tag?: string | undefined;
  commit?: string | undefined;
  /** Where the branch was before; absent for a new one, and for tags. */
  before?: string | undefined;
  /** Message of the head commit, where the host told it. */
  message?: string | undefined;
}

export interface PullRequestEvent {
  kind: 'pull-request';
  number: number;
  baseBranch: string;
  headBranch: string;
  headRepoUrl: string;
  commit: string;
  /** Where the repository itself has the head commit, also that of a fork. */
  ref: string;
  message?: string | undefined;
  /** The host's number of whoever wrote the changes, and of whoever wrote the comment. */
  author: number;
  /** Why there is an event; `other` changes nothing that is built (a label, a merge). */
  action: { kind: 'changed' } | { kind: 'comment'; text: string; by: number } | { kind: 'other'; what: string };
}

export type RepositoryEvent = PushEvent | PullRequestEvent;

export function describeEvent(event: RepositoryEvent): string {
  if (event.kind === 'push') {
    const what = event.tag === undefined ? `push to branch ${event.branch}` : `push of tag ${event.tag}`;
    return event.commit === undefined
      ? what.replace(/^push (to|of)/, 'deletion of')
      : `${what} (${event.commit.slice(0, 7)})`;
  }
  const request = `merge request ${event.number} (${event.headBranch} into ${event.baseBranch})`;
  return event.action.kind === 'comment' ? `comment on ${request}` : request;
}
