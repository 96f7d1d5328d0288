import { describe, expect, it } from 'vitest';
import { readGitLabEvent } from './read-event.ts';

const NOTHING = '0'.repeat(40);
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const TAG = 'c'.repeat(40);
const project = { id: 15, path_with_namespace: 'team/shop' };

/** In the form of GitLab 17's payloads. */
const push = (more: object = {}) => ({
  object_kind: 'push',
  event_name: 'push',
  before: A,
  after: B,
  ref: 'refs/heads/main',
  checkout_sha: B,
  project_id: 15,
  project,
  commits: [
    { id: A, message: 'first', added: ['x'] },
    { id: B, message: 'second\n\nbody', modified: ['y'] },
  ],
  total_commits_count: 2,
  ...more,
});
const request = {
  iid: 7,
  source_branch: 'topic',
  target_branch: 'main',
  author_id: 51,
  last_commit: { id: B, message: 'work' },
  source: { git_http_url: 'https://gitlab.example/fork/shop.git' },
};
const merge = (attributes: object) => ({
  object_kind: 'merge_request',
  user: { id: 1 },
  project,
  object_attributes: { ...request, ...attributes },
});
const note = (attributes: object, more: object = {}) => ({
  object_kind: 'note',
  user: { id: 9 },
  project,
  object_attributes: { note: '/gcbrun', noteable_type: 'MergeRequest', action: 'create', ...attributes },
  merge_request: request,
  ...more,
});

describe('a payload of GitLab', () => {
  it('is a push of a branch: where it was, its head, and what that says', () => {
    expect(readGitLabEvent(push())).toEqual({
      project: 15,
      event: { kind: 'push', branch: 'main', tag: undefined, commit: B, before: A, message: 'second\n\nbody' },
    });
    expect(readGitLabEvent(push({ before: NOTHING, commits: [] }))?.event).toMatchObject({
      before: undefined,
      message: undefined,
    });
    expect(readGitLabEvent(push({ after: NOTHING, checkout_sha: null, commits: [] }))?.event).toMatchObject({
      commit: undefined,
    });
  });

  it('is a tag, by the commit and not by the tag itself', () => {
    const tag = push({ object_kind: 'tag_push', ref: 'refs/tags/v1.0', before: NOTHING, after: TAG });
    expect(readGitLabEvent(tag)?.event).toMatchObject({ tag: 'v1.0', branch: undefined, commit: B, before: undefined });
  });

  it('is a merge request, which new commits change and labels do not', () => {
    expect(readGitLabEvent(merge({ action: 'open' }))?.event).toEqual({
      kind: 'pull-request',
      number: 7,
      baseBranch: 'main',
      headBranch: 'topic',
      headRepoUrl: 'https://gitlab.example/fork/shop.git',
      commit: B,
      ref: 'refs/merge-requests/7/head',
      message: 'work',
      author: 51,
      action: { kind: 'changed' },
    });
    const action = (attributes: object) => {
      const event = readGitLabEvent(merge(attributes))?.event;
      return event?.kind === 'pull-request' ? event.action.kind : undefined;
    };
    expect(action({ action: 'update', oldrev: A })).toBe('changed');
    expect(action({ action: 'reopen' })).toBe('changed');
    expect(action({ action: 'update' })).toBe('other');
    expect(action({ action: 'merge' })).toBe('other');
  });

  it('is a comment on a merge request, by whoever wrote it', () => {
    expect(readGitLabEvent(note({}))?.event).toMatchObject({
      number: 7,
      action: { kind: 'comment', text: '/gcbrun', by: 9 },
    });
    expect(readGitLabEvent(note({ action: 'update' }))?.event).toMatchObject({ action: { kind: 'other' } });
    expect(readGitLabEvent(note({ noteable_type: 'Commit' }, { merge_request: undefined }))).toBeUndefined();
  });

  it('is nothing that a trigger waits for', () => {
    expect(readGitLabEvent({ object_kind: 'pipeline' })).toBeUndefined();
  });

  it.each<[string, unknown, RegExp]>([
    ['a list', [], /no object_kind/],
    ['nothing', null, /no object_kind/],
    ['a push without project', push({ project: undefined }), /push event has no usable project/],
    ['a push of something else', push({ ref: 'refs/notes/x' }), /neither branch nor tag/],
    ['a commit that is an option', push({ after: '--upload-pack=x', checkout_sha: undefined }), /which is no commit/],
  ])('is refused when it is %s', (_what, body, message) => {
    expect(() => readGitLabEvent(body)).toThrow(message);
  });
});
