import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForBuilds, TestServer } from '../../wire/server.ts';
import { hasGitBackend } from '../image-build-sources/git-server.ts';
import { type GitLabDouble, PROJECT, READ_TOKEN, startGitLab, WRITE_TOKEN } from './gitlab-double.ts';
import { ShopRepository } from './shop-repository.ts';
import { PARENT, TriggerClient } from './trigger-client.ts';

const missing = await missingForBuilds();
const NOTHING = '0'.repeat(40);
const SECRET = 'hook-secret';
const CONNECTION = `${PARENT}/connections/lab`;
const REPOSITORY = `${CONNECTION}/repositories/shop`;
const project = { id: PROJECT, path_with_namespace: 'team/shop' };

describe.skipIf(missing !== '' || !hasGitBackend)(`triggers of a GitLab${missing}`, () => {
  let root: string;
  let gitlab: GitLabDouble;
  let shop: ShopRepository;
  let server: TestServer;
  let client: TriggerClient;
  let hook: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-triggers-'));
    await mkdir(join(root, 'git'));
    shop = await ShopRepository.create(join(root, 'git'));
    gitlab = await startGitLab(join(root, 'git'));
    server = await TestServer.start({ config: `fetch:\n  allowHosts: ["${gitlab.host}"]\n` });
    client = new TriggerClient(server);
    await client.secret('read', READ_TOKEN);
    await client.secret('write', `${WRITE_TOKEN}\n`);
    await client.secret('hook', SECRET);
    await client.ok('POST', '/storage/v1/b?project=demo', { name: 'demo-built' });
    const token = (name: string) => ({ userTokenSecretVersion: `projects/demo/secrets/${name}/versions/latest` });
    const made = await client.ok('POST', `/v2/${PARENT}/connections?connectionId=lab`, {
      gitlabConfig: {
        hostUri: gitlab.url,
        authorizerCredential: token('write'),
        readAuthorizerCredential: token('read'),
        webhookSecretSecretVersion: 'projects/demo/secrets/hook/versions/1',
      },
    });
    expect(made).toMatchObject({
      done: true,
      response: { name: CONNECTION, gitlabConfig: { serverVersion: '18.5.0' } },
    });
    expect(await client.ok('GET', `/v2/${String(made['name'])}`)).toMatchObject({
      done: true,
      response: { name: CONNECTION },
    });
    const remoteUri = `${gitlab.url}/team/shop.git`;
    await client.ok('POST', `/v2/${CONNECTION}/repositories?repositoryId=shop`, { remoteUri });
    hook = gitlab.hooks[0]?.url ?? '';
    await client.trigger({
      name: 'main',
      filename: 'cloudbuild.yaml',
      ignoredFiles: ['docs/**'],
      substitutions: { _WHO: 'trigger' },
      repositoryEventConfig: { repository: REPOSITORY, push: { branch: '^main$' } },
    });
    await client.trigger({
      name: 'releases',
      autodetect: true,
      approvalConfig: { approvalRequired: true },
      repositoryEventConfig: { repository: REPOSITORY, push: { tag: '^v\\d+' } },
    });
    await client.trigger({
      name: 'requests',
      filename: 'cloudbuild.yaml',
      includedFiles: ['src/**'],
      repositoryEventConfig: {
        repository: REPOSITORY,
        pullRequest: { branch: '^main$', commentControl: 'COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY' },
      },
    });
  });
  afterAll(async () => {
    await server?.close();
    await gitlab?.close();
    await rm(root, { recursive: true, force: true });
  });

  const push = (after: string, more: object = {}) => ({
    object_kind: 'push',
    ref: 'refs/heads/main',
    before: NOTHING,
    after,
    checkout_sha: after,
    project,
    commits: [{ id: after, message: 'told by the payload' }],
    total_commits_count: 1,
    ...more,
  });
  const send = async (payload: object, headers?: Record<string, string>) => {
    const { status, json } = await client.hook(hook, SECRET, payload, headers);
    expect(status).toBe(200);
    return json;
  };
  const only = async (trigger: string, payload: object) =>
    (await send(payload)).outcomes?.find((outcome) => outcome.trigger === trigger);
  const states = (sha: string) => gitlab.statuses.filter((status) => status.sha === sha);

  it('are told of by a hook that linking made', () => {
    expect(gitlab.hooks).toMatchObject([
      { token: SECRET, push_events: true, merge_requests_events: true, note_events: true },
    ]);
    expect(hook).toMatch(/\/v2\/projects\/demo\/locations\/eu\/connections:processWebhook\?webhookKey=/);
  });

  it('build the head of a push, its config and its source, and the commit shows how it went', async () => {
    const before = shop.head();
    await shop.commit({ 'hello.txt': 'second\n' }, 'second');
    const head = await shop.commit({ 'hello.txt': 'third\n' }, 'third');
    const outcome = await only('main', push(head, { before }));
    expect(outcome).toMatchObject({ outcome: 'built' });
    const build = await client.ended(outcome?.build ?? '');
    expect(build).toMatchObject({
      status: 'SUCCESS',
      buildTriggerId: expect.any(String),
      source: { connectedRepository: { repository: REPOSITORY, revision: head } },
      steps: [{ args: ['cp', 'hello.txt', `gs://demo-built/main/${head}/trigger.txt`] }],
    });
    const object = encodeURIComponent(`main/${head}/trigger.txt`);
    expect(await client.ok('GET', `/storage/v1/b/demo-built/o/${object}`)).toMatchObject({ size: '6' });
    await expect
      .poll(() => states(head).at(-1), { timeout: 60_000 })
      .toMatchObject({
        state: 'success',
        name: 'slipway/main',
        ref: 'main',
        target_url: build.logUrl,
        description: 'built',
      });
    const order = ['pending', 'running', 'success'];
    const told = states(head).map(({ state }) => order.indexOf(state));
    expect(told).toEqual([...told].sort());
    expect((await client.events('main'))[0]).toMatchObject({
      event: `push to branch main (${head.slice(0, 7)})`,
      outcome: 'built',
      build: build.id,
    });
  });

  it('show a build that was made again at the same commit, with what the trigger gave it', async () => {
    const [event] = await client.events('main');
    const first = await client.build(event?.build ?? '');
    const head = first.source?.connectedRepository?.revision ?? '';
    const before = states(head).length;
    const operation = await client.ok('POST', `/v1/${PARENT}/builds/${first.id}:retry`, {});
    const again = await client.ended((operation['metadata'] as { build: { id: string } }).build.id);
    expect(again.steps[0]?.args).toEqual(first.steps[0]?.args);
    await expect
      .poll(() => states(head).slice(before).at(-1), { timeout: 60_000 })
      .toMatchObject({
        state: 'success',
        target_url: again.logUrl,
      });
  });

  it('say why they build nothing', async () => {
    const before = shop.head();
    const docs = await shop.commit({ 'docs/a.md': 'b\n' }, 'docs');
    expect(await only('main', push(docs, { before }))).toMatchObject({
      outcome: 'ignored',
      reason: 'all changed files match ignoredFiles docs/** (docs/a.md)',
    });
    // the same commit as a new branch: nobody knows what changed
    expect(await only('main', push(docs, { commits: [{ id: docs, message: 'x [skip ci]' }] }))).toMatchObject({
      reason: "the commit's message says [skip ci]",
    });
    expect(await only('main', push(NOTHING, { before, checkout_sha: null }))).toMatchObject({
      reason: 'the branch was deleted',
    });
    expect(await only('releases', push(docs))).toMatchObject({
      reason: expect.stringContaining('a branch was pushed'),
    });
  });

  it('show a broken config at the commit', async () => {
    const good = shop.head();
    const broken = await shop.commit({ 'cloudbuild.yaml': 'steps:\n- nam: x\n' }, 'broken');
    const outcome = await only('main', push(broken, { before: good }));
    expect(outcome).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/^cloudbuild.yaml:2:3: unknown field "nam"/),
    });
    await expect
      .poll(() => states(broken), { timeout: 60_000 })
      .toMatchObject([{ state: 'failed', description: expect.stringContaining('cloudbuild.yaml:2:3') }]);
    await shop.commit(
      { 'cloudbuild.yaml': 'steps: [{name: gcr.io/cloud-builders/gsutil, args: [version]}]\n' },
      'mended',
    );
  });

  it('wait for approval of a tag, which means its commit', async () => {
    const tag = shop.tag('v1');
    const head = shop.head();
    expect(tag).not.toBe(head);
    const pushed = { ...push(tag, { ref: 'refs/tags/v1', checkout_sha: head, commits: [] }), object_kind: 'tag_push' };
    const outcome = await only('releases', pushed);
    const build = await client.build(outcome?.build ?? '');
    expect(build).toMatchObject({ status: 'PENDING', source: { connectedRepository: { revision: head } } });
    await expect
      .poll(() => states(head), { timeout: 60_000 })
      .toMatchObject([{ state: 'pending', ref: 'v1', name: 'slipway/releases' }]);
    await client.ok('POST', `/v1/${PARENT}/builds/${build.id}:approve`, { approvalResult: { decision: 'APPROVED' } });
    expect((await client.ended(build.id)).status).toBe('SUCCESS');
  });

  it('build merge requests, of strangers when somebody who may push says /gcbrun', async () => {
    const head = await shop.commit({ 'src/a.ts': 'a\n' }, 'work', 'topic');
    shop.request(7, head);
    await shop.commit({ 'README.md': 'main has gone on\n' }, 'on');
    const request = {
      iid: 7,
      source_branch: 'topic',
      target_branch: 'main',
      author_id: 51,
      last_commit: { id: head, message: 'work' },
    };
    const merge = {
      object_kind: 'merge_request',
      user: { id: 51 },
      project,
      object_attributes: { ...request, action: 'open' },
    };
    const comment = (id: number, note: string) => ({
      object_kind: 'note',
      user: { id },
      project,
      object_attributes: { note, noteable_type: 'MergeRequest', action: 'create' },
      merge_request: request,
    });
    expect(await only('requests', merge)).toMatchObject({ reason: expect.stringContaining('its author may not push') });
    expect(await only('requests', comment(51, '/gcbrun'))).toMatchObject({
      reason: expect.stringContaining('may not push'),
    });
    gitlab.developers.add(2);
    const outcome = await only('requests', comment(2, '/gcbrun'));
    expect(outcome).toMatchObject({ outcome: 'built' });
    expect(await client.build(outcome?.build ?? '')).toMatchObject({
      source: { connectedRepository: { revision: head } },
      substitutions: { _HEAD_BRANCH: 'topic', _BASE_BRANCH: 'main', _PR_NUMBER: '7' },
    });
    expect((await client.ended(outcome?.build ?? '')).status).toBe('SUCCESS');
    // what main changed meanwhile is not the request's
    const docs = await shop.commit({ 'docs/b.md': 'b\n' }, 'docs', 'words');
    shop.request(8, docs);
    const other = { ...request, iid: 8, author_id: 2, last_commit: { id: docs, message: 'docs' } };
    expect(await only('requests', { ...merge, object_attributes: { ...other, action: 'open' } })).toMatchObject({
      reason: expect.stringMatching(/none of the 1 changed file.* includedFiles src\/\*\* \(docs\/b.md\)/),
    });
  });

  it('take nothing from those who do not know the secret, and nothing twice', async () => {
    const head = shop.head('main');
    expect(await client.hook(hook, 'wrong', push(head))).toMatchObject({ status: 403 });
    expect(await client.hook(hook.replace(/webhookKey=.*/, 'webhookKey=x'), SECRET, push(head))).toMatchObject({
      status: 403,
    });
    const headers = { 'idempotency-key': 'one' };
    expect(await send(push(head), headers)).toMatchObject({ state: 'done' });
    expect(await send(push(head), headers)).toEqual({ state: 'duplicate' });
    expect(await client.hook(hook, SECRET, { object_kind: 'push' })).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('no usable') } },
    });
    expect(await send({ object_kind: 'pipeline', project })).toEqual({ state: 'done', outcomes: [] });
  });

  it('tell a state again that GitLab did not take, also after a crash', async () => {
    gitlab.refuseStatuses = 503;
    const head = await shop.commit({ 'hello.txt': 'again\n' }, 'again');
    const outcome = await only('main', push(head));
    expect((await client.ended(outcome?.build ?? '')).status).toBe('SUCCESS');
    await server.kill();
    gitlab.refuseStatuses = undefined;
    await server.restart();
    await expect.poll(() => states(head), { timeout: 60_000 }).toMatchObject([{ state: 'success' }]);
  });

  it('keep a repository while they wait for it; the hook goes with it', async () => {
    const { status, json } = await client.ask('DELETE', `/v2/${REPOSITORY}`);
    expect({ status, json }).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('main, releases, requests') } },
    });
    for (const name of ['main', 'releases', 'requests']) await client.ok('DELETE', `/v1/${PARENT}/triggers/${name}`);
    expect((await client.ask('DELETE', `/v2/${CONNECTION}`)).status).toBe(400);
    await client.ok('DELETE', `/v2/${REPOSITORY}`);
    expect(gitlab.hooks).toEqual([]);
    await client.ok('DELETE', `/v2/${CONNECTION}`);
    expect(await client.ok('GET', `/v2/${PARENT}/connections`)).toEqual({});
  });
});
