import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { missingForBuilds, TestServer } from '../../wire/server.ts';
import { answerGit, hasGitBackend } from '../image-build-sources/git-server.ts';
import { serveWeb, type WebServer } from '../image-build-sources/web-server.ts';
import { ShopRepository } from './shop-repository.ts';
import { PARENT, type Receipt, TriggerClient } from './trigger-client.ts';

const missing = await missingForBuilds();
const SECRET = 'open sesame';

describe.skipIf(missing !== '' || !hasGitBackend)(`triggers without a host that is linked${missing}`, () => {
  let root: string;
  let web: WebServer;
  let shop: ShopRepository;
  let server: TestServer;
  let client: TriggerClient;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-triggers-'));
    shop = await ShopRepository.create(root);
    web = await serveWeb((request, response) => answerGit(root, request, response));
    server = await TestServer.start({ config: `fetch:\n  allowHosts: ["${web.url.replace('http://', '')}"]\n` });
    client = new TriggerClient(server);
    await client.secret('hook', SECRET);
    await client.ok('POST', '/storage/v1/b?project=demo', { name: 'demo-built' });
    const uri = `${web.url}/team/shop.git`;
    await client.trigger({
      name: 'shop',
      gitFileSource: { path: 'cloudbuild.yaml', uri, repoType: 'UNKNOWN', revision: 'refs/heads/main' },
      sourceToBuild: { uri, repoType: 'UNKNOWN', ref: 'refs/heads/main' },
    });
    await client.trigger({
      name: 'hook',
      webhookConfig: { secret: 'projects/demo/secrets/hook/versions/1' },
      substitutions: { _WHO: '$(body.user.name)', _REF: '$(body.ref)' },
      filter: '_REF.matches("^refs/heads/") && body.user.name != "bot"',
      build: { steps: [{ name: 'gcr.io/cloud-builders/gsutil', args: ['version', '$_WHO'] }] },
    });
  });
  afterAll(async () => {
    await server?.close();
    await web?.close();
    await rm(root, { recursive: true, force: true });
  });

  const call = async (body: string, secret = SECRET, trigger = 'hook') => {
    const answer = await fetch(
      `${server.url}/v1/${PARENT}/triggers/${trigger}:webhook?key=any&secret=${encodeURIComponent(secret)}`,
      { method: 'POST', body },
    );
    return { status: answer.status, json: (await answer.json()) as Receipt };
  };
  const slipway = (...args: string[]) => server.cli(['trigger', ...args, '--region', 'eu']);

  it('build the commit of a branch, a tag or a hash that a person names', async () => {
    const main = shop.head();
    const topic = await shop.commit({ 'hello.txt': 'topic\n' }, 'topic', 'topic');
    const run = async (source: object) => {
      const operation = await client.ok('POST', `/v1/${PARENT}/triggers/shop:run`, { triggerId: 'shop', source });
      return client.ended((operation['metadata'] as { build: { id: string } }).build.id);
    };
    const [own, branch, hash] = await Promise.all([
      run({}),
      run({ branchName: 'topic', substitutions: { _WHO: 'ada' } }),
      run({ commitSha: topic }),
    ]);
    const target = (build: typeof own) => build.steps[0]?.args?.[2];
    expect(target(own)).toBe(`gs://demo-built/main/${main}/file.txt`);
    expect(target(branch)).toBe(`gs://demo-built/topic/${topic}/ada.txt`);
    expect(target(hash)).toBe(`gs://demo-built//${topic}/file.txt`);
    expect([own.status, branch.status, hash.status]).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(own.source?.gitSource?.revision).toBe(main);
    const gone = await client.ask('POST', `/v1/${PARENT}/triggers/shop:run`, {
      triggerId: 'shop',
      source: { branchName: 'gone' },
    });
    expect(gone).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining("couldn't find remote ref refs/heads/gone") } },
    });
  });

  it('build what a webhook brings, if its filter lets it through', async () => {
    const { status, json } = await call('{"ref":"refs/heads/x","user":{"name":"ada $PROJECT_ID"}}');
    expect(status).toBe(200);
    expect(json.outcomes).toMatchObject([{ trigger: 'hook', outcome: 'built' }]);
    const build = await client.build(json.outcomes?.[0]?.build ?? '');
    expect(build.steps[0]?.args).toEqual(['version', 'ada $PROJECT_ID']);
    expect((await call('{"ref":"refs/tags/x","user":{"name":"a"}}')).json.outcomes?.[0]?.reason).toMatch(
      /^the filter .* says no$/,
    );
    expect((await call('{"ref":"refs/heads/x"}')).json.outcomes?.[0]?.reason).toBe(
      'the filter has no answer: there is no user',
    );
  });

  it('take a webhook once, from those who know its secret', async () => {
    const body = '{"ref":"refs/heads/y","user":{"name":"eve"}}';
    for (const [secret, trigger] of [
      ['', 'hook'],
      ['open', 'hook'],
      [SECRET, 'shop'],
      [SECRET, 'never'],
    ] as const)
      expect(await call(body, secret, trigger)).toMatchObject({
        status: 403,
        json: { error: { status: 'PERMISSION_DENIED' } },
      });
    expect((await call(body)).json.state).toBe('done');
    expect((await call(body)).json).toEqual({ state: 'duplicate' });
    expect(await call('no json')).toMatchObject({ status: 400 });
  });

  it('link no host that this server may not speak to', async () => {
    await client.secret('token', 'x');
    const credential = { userTokenSecretVersion: 'projects/demo/secrets/token/versions/1' };
    const gitlabConfig = {
      hostUri: 'http://127.0.0.1:9',
      authorizerCredential: credential,
      readAuthorizerCredential: credential,
      webhookSecretSecretVersion: credential.userTokenSecretVersion,
    };
    expect(await client.ask('POST', `/v2/${PARENT}/connections?connectionId=lab`, { gitlabConfig })).toMatchObject({
      status: 403,
      json: { error: { message: expect.stringContaining('fetch.allowHosts') } },
    });
    gitlabConfig.webhookSecretSecretVersion = 'projects/demo/secrets/missing/versions/1';
    expect(await client.ask('POST', `/v2/${PARENT}/connections?connectionId=lab`, { gitlabConfig })).toMatchObject({
      status: 404,
    });
  });

  it('start at their times, and make up for what passed while nobody was there', async () => {
    const said = await slipway('schedule', 'shop', '0 3 * * *', '--time-zone', 'Europe/Warsaw');
    expect(said.stdout).toBe('shop: at 0 3 * * * Europe/Warsaw\n');
    expect(await client.ok('GET', `/v1/${PARENT}/triggers/shop`)).toMatchObject({
      cron: { schedule: '0 3 * * *', timeZone: 'Europe/Warsaw' },
    });
    await server.stop();
    const longAgo = Date.now() - 50 * 60 * 60 * 1000;
    await execute(join(server.data, 'slipway.db'), `update trigger_times set at = ${longAgo}`);
    await server.restart();
    await expect
      .poll(() => client.events('shop'), { timeout: 15_000 })
      .toMatchObject([
        { event: expect.stringMatching(/^schedule of .*T0[12]:00:00.000Z$/), outcome: 'built' },
        { event: expect.stringMatching(/^run by /) },
        {},
        {},
      ]);
    const [event] = await client.events('shop');
    expect(await client.ended(event?.build ?? '')).toMatchObject({
      status: 'SUCCESS',
      source: { gitSource: { revision: shop.head() } },
    });
    expect((await slipway('schedule', 'shop', '--off')).stdout).toBe('shop: run by a person\n');
  });

  it('say beforehand what would happen, and afterwards what did', async () => {
    const file = join(root, 'pushes.yaml');
    await writeFile(
      file,
      'name: pushes\nfilename: cloudbuild.yaml\nignoredFiles: [docs/**]\ngithub: {owner: o, name: n, push: {branch: ^main$}}\n',
    );
    expect((await slipway('create', '--file', file)).stdout).toBe(
      'Created pushes: push to branch ^main$ of github.com/o/n\n',
    );
    const check = async (...args: string[]) => {
      const { code, stdout } = await slipway('check', 'pushes', ...args);
      return [code, stdout];
    };
    expect(await check('--branch', 'main', '--changed', 'src/a')).toEqual([0, 'It starts a build.\n']);
    expect(await check('--branch', 'main', '--changed', 'docs/a')).toEqual([
      1,
      'It starts no build: all changed files match ignoredFiles docs/** (docs/a).\n',
    ]);
    const list = await slipway('list');
    expect(list.stdout).toMatch(/^pushes +cloudbuild.yaml +push to branch/m);
    const events = await slipway('events', 'hook');
    expect(events.stdout).toMatch(/hook +webhook +ignored: the filter has no answer: there is no user/);
    expect((await slipway('check', 'pushes')).code).toBe(2);
  });
});

/** In the database of a server that is stopped. */
async function execute(path: string, statement: string): Promise<void> {
  const database = await openDatabase(path);
  await sql.raw(statement).execute(database);
  await database.destroy();
}
