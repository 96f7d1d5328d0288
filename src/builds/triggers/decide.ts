import { unwantedChanges } from './changed-files.ts';
import type { PullRequestEvent, PushEvent, RepositoryEvent } from './event.ts';
import type { BuildTrigger, PullRequestFilter, PushFilter } from './trigger.ts';
import { userRegex } from './user-regex.ts';

/** What has to be asked for, and is only when a trigger's rules need it. */
export interface EventFacts {
  /** Undefined when nobody can say. */
  changedFiles(): Promise<readonly string[] | undefined>;
  /** Of the head commit. */
  message(): Promise<string>;
  /** Whether a person may push to the repository. */
  mayWrite(person: number): Promise<boolean>;
}

export type Decision = { build: true } | { build: false; reason: string };

/** Said by somebody who may push, it starts the builds of a pull request. */
const RUN_COMMENT = /^\s*\/gcbrun\b/m;
const SKIP = /\[(?:skip ci|ci skip)\]/i;

/** Whether an event of its repository starts a trigger's build, and if not, why: in words for a person. */
export async function decide(trigger: BuildTrigger, event: RepositoryEvent, facts: EventFacts): Promise<Decision> {
  const { push, pullRequest } = trigger.repositoryEventConfig ?? trigger.github ?? {};
  if (trigger.disabled) return no('the trigger is disabled');
  const reason =
    event.kind === 'push'
      ? push === undefined
        ? 'the trigger waits for pull requests, not for pushes'
        : unwantedPush(push, event)
      : pullRequest === undefined
        ? 'the trigger waits for pushes, not for pull requests'
        : await unwantedRequest(pullRequest, event, facts);
  if (reason !== undefined) return no(reason);
  // who says /gcbrun wants it; and releases are tagged on commits that say [skip ci]
  const skippable = event.kind === 'push' ? event.tag === undefined : event.action.kind === 'changed';
  const asked = skippable ? SKIP.exec(event.message ?? (await facts.message()))?.[0] : undefined;
  if (asked !== undefined) return no(`the commit's message says ${asked}`);
  if ((trigger.includedFiles?.length ?? 0) + (trigger.ignoredFiles?.length ?? 0) === 0) return { build: true };
  const changes = unwantedChanges(trigger, await facts.changedFiles());
  return changes === undefined ? { build: true } : no(changes);
}

function no(reason: string): Decision {
  return { build: false, reason };
}

function unwantedPush(filter: PushFilter, { branch, tag, commit }: PushEvent): string | undefined {
  if (commit === undefined) return `the ${tag === undefined ? 'branch' : 'tag'} was deleted`;
  if (filter.tag !== undefined)
    return tag === undefined
      ? `a branch was pushed; the trigger waits for tags that match ${filter.tag}`
      : mismatch('tag', tag, filter.tag, filter.invertRegex);
  return branch === undefined
    ? `a tag was pushed; the trigger waits for branches that match ${filter.branch}`
    : mismatch('branch', branch, filter.branch ?? '.*', filter.invertRegex);
}

async function unwantedRequest(
  filter: PullRequestFilter,
  { action, baseBranch, author }: PullRequestEvent,
  facts: EventFacts,
): Promise<string | undefined> {
  if (action.kind === 'other') return `${action.what} changes no code`;
  if (action.kind === 'comment' && !RUN_COMMENT.test(action.text)) return 'the comment does not say /gcbrun';
  const base = mismatch('base branch', baseBranch, filter.branch ?? '.*', filter.invertRegex);
  if (base !== undefined) return base;
  if (action.kind === 'comment')
    return (await facts.mayWrite(action.by)) ? undefined : 'whoever wrote /gcbrun may not push to the repository';
  if (filter.commentControl === 'COMMENTS_ENABLED')
    return 'commentControl wants a comment /gcbrun of somebody who may push';
  if (filter.commentControl === 'COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY' && !(await facts.mayWrite(author)))
    return 'its author may not push to the repository: commentControl wants a comment /gcbrun of somebody who may';
  return undefined;
}

function mismatch(what: string, name: string, pattern: string, inverted = false): string | undefined {
  if (userRegex(pattern, what).finds(name) !== inverted) return undefined;
  return inverted
    ? `${what} ${name} matches ${pattern}, and invertRegex is set`
    : `${what} ${name} does not match ${pattern}`;
}
