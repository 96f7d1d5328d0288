import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';
import type { PullRequestEvent, RepositoryEvent } from '../triggers/event.ts';

/** Of GitLab's webhook payloads, the fields that decide; all else is reached by payload bindings alone. */
const commit = z.object({ id: z.string(), message: z.string().optional() });
const project = z.object({ id: z.number() });
const user = z.object({ id: z.number() });

const push = z.object({
  object_kind: z.enum(['push', 'tag_push']),
  ref: z.string(),
  before: z.string().optional(),
  after: z.string(),
  checkout_sha: z.string().nullish(),
  project,
  commits: z.array(commit).default([]),
});

const mergeRequest = z.object({
  iid: z.number(),
  source_branch: z.string(),
  target_branch: z.string(),
  author_id: z.number(),
  last_commit: commit,
  source: z.object({ git_http_url: z.string().optional() }).optional(),
});

const merge = z.object({
  object_kind: z.literal('merge_request'),
  project,
  user,
  object_attributes: mergeRequest.extend({ action: z.string().optional(), oldrev: z.string().optional() }),
});

const note = z.object({
  object_kind: z.literal('note'),
  project,
  user,
  object_attributes: z.object({ note: z.string(), noteable_type: z.string(), action: z.string().optional() }),
  merge_request: mergeRequest.optional(),
});

const payload = z.discriminatedUnion('object_kind', [push, merge, note]);
const NOTHING = /^0+$/;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** A payload as an event, and which project of GitLab it is about. */
export interface ToldEvent {
  project: number;
  event: RepositoryEvent;
}

/**
 * @returns undefined for what no trigger waits for (an issue, a comment on a commit)
 * @throws Problem `invalid` for what is no payload of GitLab
 */
export function readGitLabEvent(body: unknown): ToldEvent | undefined {
  const kind = typeof body === 'object' && body !== null ? (body as { object_kind?: unknown }).object_kind : undefined;
  if (typeof kind !== 'string') throw new Problem('invalid', "the body is no event of GitLab's: it has no object_kind");
  if (!['push', 'tag_push', 'merge_request', 'note'].includes(kind)) return undefined;
  const result = payload.safeParse(body);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new Problem('invalid', `GitLab's ${kind} event has no usable ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { data } = result;
  const told = (event: RepositoryEvent): ToldEvent => ({ project: data.project.id, event });
  if (data.object_kind === 'merge_request') return told(changed(data));
  if (data.object_kind === 'note') {
    const request = data.merge_request;
    if (request === undefined || data.object_attributes.noteable_type !== 'MergeRequest') return undefined;
    const { note: text, action = 'create' } = data.object_attributes;
    // an edit would let a comment start builds again and again
    const what =
      action === 'create' ? ({ kind: 'comment', text, by: data.user.id } as const) : other(`${action} of a comment`);
    return told(pullRequest(request, what));
  }
  return told(pushed(data));
}

function pushed({ ref, before, after, checkout_sha, commits }: z.output<typeof push>): RepositoryEvent {
  const tag = named(ref, 'refs/tags/');
  const branch = named(ref, 'refs/heads/');
  if (tag === undefined && branch === undefined)
    throw new Problem('invalid', `GitLab's push event is about ${ref}, which is neither branch nor tag`);
  // of an annotated tag, `after` is the tag and checkout_sha its commit
  const head = NOTHING.test(after) ? undefined : hash(checkout_sha ?? after);
  return {
    kind: 'push',
    branch,
    tag,
    commit: head,
    before: before === undefined || NOTHING.test(before) || tag !== undefined ? undefined : hash(before),
    message: commits.find((each) => each.id === head)?.message,
  };
}

function changed({ object_attributes: request }: z.output<typeof merge>): PullRequestEvent {
  const { action = 'update', oldrev } = request;
  const builds = action === 'open' || action === 'reopen' || (action === 'update' && oldrev !== undefined);
  return pullRequest(request, builds ? { kind: 'changed' } : other(`${action} of a merge request`));
}

function pullRequest(request: z.output<typeof mergeRequest>, action: PullRequestEvent['action']): PullRequestEvent {
  const { iid, source_branch, target_branch, author_id, last_commit, source } = request;
  return {
    kind: 'pull-request',
    number: iid,
    baseBranch: target_branch,
    headBranch: source_branch,
    headRepoUrl: source?.git_http_url ?? '',
    commit: hash(last_commit.id),
    ref: `refs/merge-requests/${iid}/head`,
    message: last_commit.message,
    author: author_id,
    action,
  };
}

function other(what: string): PullRequestEvent['action'] {
  return { kind: 'other', what };
}

function named(ref: string, prefix: string): string | undefined {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : undefined;
}

function hash(text: string): string {
  if (COMMIT.test(text)) return text;
  throw new Problem('invalid', `GitLab's event names ${JSON.stringify(text.slice(0, 80))}, which is no commit`);
}
