import { describe, expect, it } from 'vitest';
import { decide, type EventFacts } from './decide.ts';
import type { PullRequestEvent, PushEvent } from './event.ts';
import type { BuildTrigger, PullRequestFilter, PushFilter, TriggerFields } from './trigger.ts';

const WRITER = 1;
const STRANGER = 2;

const trigger = (
  filter: { push: PushFilter } | { pullRequest: PullRequestFilter },
  more: Omit<TriggerFields, 'name'> = {},
): BuildTrigger => ({
  id: 'i',
  name: 't',
  createTime: '',
  resourceName: '',
  filename: 'cloudbuild.yaml',
  repositoryEventConfig: { repository: 'r', ...filter },
  ...more,
});
const push = (more: Partial<PushEvent> = {}): PushEvent => ({
  kind: 'push',
  branch: 'main',
  commit: 'c1',
  message: 'm',
  ...more,
});
const request = (more: Partial<PullRequestEvent> = {}): PullRequestEvent => ({
  kind: 'pull-request',
  number: 7,
  baseBranch: 'main',
  headBranch: 'topic',
  headRepoUrl: '',
  commit: 'c1',
  ref: 'refs/merge-requests/7/head',
  message: 'm',
  author: WRITER,
  action: { kind: 'changed' },
  ...more,
});
const facts = (changed?: string[]): EventFacts => ({
  changedFiles: async () => changed,
  message: async () => 'asked for [ci skip]',
  mayWrite: async (person) => person === WRITER,
});
const reason = async (...args: [BuildTrigger, PushEvent | PullRequestEvent, EventFacts?]) => {
  const decision = await decide(args[0], args[1], args[2] ?? facts());
  return decision.build ? 'build' : decision.reason;
};

describe('a push', () => {
  const main = trigger({ push: { branch: '^main$' } });

  it('builds its branch or its tag', async () => {
    expect(await reason(main, push())).toBe('build');
    expect(await reason(main, push({ branch: 'maintenance' }))).toBe('branch maintenance does not match ^main$');
    expect(await reason(trigger({ push: { branch: 'ain' } }), push())).toBe('build');
    expect(await reason(main, push({ branch: undefined, tag: 'main' }))).toMatch(/a tag was pushed/);
    const tags = trigger({ push: { tag: '^v\\d+$' } });
    expect(await reason(tags, push({ branch: undefined, tag: 'v12' }))).toBe('build');
    expect(await reason(tags, push({ branch: 'v12' }))).toMatch(/a branch was pushed/);
  });

  it('builds what the regex leaves when it is inverted', async () => {
    const others = trigger({ push: { branch: '^main$', invertRegex: true } });
    expect(await reason(others, push({ branch: 'topic' }))).toBe('build');
    expect(await reason(others, push())).toBe('branch main matches ^main$, and invertRegex is set');
  });

  it('is skipped when its head says so, but a tag is not', async () => {
    expect(await reason(main, push({ message: 'docs [skip ci]' }))).toBe("the commit's message says [skip ci]");
    expect(await reason(main, push({ message: undefined }))).toBe("the commit's message says [ci skip]");
    const tags = trigger({ push: { tag: '.*' } });
    expect(await reason(tags, push({ branch: undefined, tag: 'v1', message: 'release [skip ci]' }))).toBe('build');
  });

  it('builds nothing when it deletes, nor when the trigger is off', async () => {
    expect(await reason(main, push({ commit: undefined }))).toBe('the branch was deleted');
    expect(await reason({ ...main, disabled: true }, push())).toBe('the trigger is disabled');
    expect(await reason(main, request())).toBe('the trigger waits for pushes, not for pull requests');
  });

  it('looks at its files: ignored ones first, then one has to be included', async () => {
    const files = trigger({ push: { branch: '.*' } }, { includedFiles: ['src/**'], ignoredFiles: ['docs/**', '*.md'] });
    expect(await reason(files, push(), facts(['docs/a/b.txt', 'README.md']))).toBe(
      'all changed files match ignoredFiles docs/**, *.md (docs/a/b.txt, README.md)',
    );
    expect(await reason(files, push(), facts(['src/a/b.ts', 'README.md']))).toBe('build');
    expect(await reason(files, push(), facts(['src/README.md', 'Makefile']))).toBe('build');
    expect(await reason(files, push(), facts(['Makefile', 'docs/x']))).toBe(
      'none of the 2 changed files that ignoredFiles leave matches includedFiles src/** (Makefile)',
    );
    expect(await reason(files, push(), facts(undefined))).toBe('build');
    const many = Array.from({ length: 9 }, (_, i) => `docs/${i}`);
    expect(await reason(files, push(), facts(many))).toMatch(/docs\/0, docs\/1, docs\/2 and 6 more/);
  });
});

describe('a pull request', () => {
  const of = (pullRequest: PullRequestFilter) => trigger({ pullRequest });

  it('builds when its changes are new, into its base', async () => {
    expect(await reason(of({ branch: '^main$' }), request())).toBe('build');
    expect(await reason(of({ branch: '^main$' }), request({ baseBranch: 'old' }))).toBe(
      'base branch old does not match ^main$',
    );
    expect(await reason(of({}), request({ action: { kind: 'other', what: 'merge of a merge request' } }))).toBe(
      'merge of a merge request changes no code',
    );
    expect(await reason(of({}), push())).toBe('the trigger waits for pull requests, not for pushes');
  });

  it('waits for /gcbrun where comments are wanted', async () => {
    const all = of({ commentControl: 'COMMENTS_ENABLED' });
    const strangers = of({ commentControl: 'COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY' });
    const said = (text: string, by = WRITER) => request({ author: STRANGER, action: { kind: 'comment', text, by } });
    expect(await reason(all, request())).toMatch(/wants a comment \/gcbrun/);
    expect(await reason(strangers, request())).toBe('build');
    expect(await reason(strangers, request({ author: STRANGER }))).toMatch(/its author may not push/);
    expect(await reason(all, said('looks good\n/gcbrun please'))).toBe('build');
    expect(await reason(all, said('/gcbrun', STRANGER))).toMatch(/may not push/);
    expect(await reason(all, said('try /gcbrun'))).toBe('the comment does not say /gcbrun');
    expect(await reason(all, said('/gcbrunner'))).toBe('the comment does not say /gcbrun');
  });
});
