import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { missingForBuilds, TestServer } from '../../wire/server.ts';

const why = await missingForBuilds();

describe.skipIf(why !== '')(`the registry from the command line${why}`, () => {
  let server: TestServer;
  let token: string;
  const lines = (text: string) => text.trimEnd().split('\n');
  const fails = async (...args: string[]) => {
    const { code, stderr } = await server.cli(args);
    return `${code}: ${stderr}`;
  };
  const send = (method: string, path: string, body?: string, type = 'application/octet-stream') =>
    fetch(`${server.url}/v2/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: body ?? null,
    });
  const push = async (image: string, text: string, ...tags: string[]): Promise<Digest> => {
    const config = JSON.stringify({ text });
    const descriptor = { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length };
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config: descriptor, layers: [] });
    await send('POST', `${image}/blobs/uploads/?digest=${descriptor.digest}`, config);
    for (const tag of tags)
      expect((await send('PUT', `${image}/manifests/${tag}`, manifest, MEDIA.ociManifest)).status).toBe(201);
    return digestOf(manifest);
  };
  const image = (path: string) => `${server.host}/${path}`;

  beforeAll(async () => {
    server = await TestServer.start();
    token = await server.token();
  });
  afterAll(() => server?.close());

  it('makes, shows, changes and deletes repositories', async () => {
    expect(await server.ok('repo', 'create', 'shop/web', '--description', 'of the shop', '--public')).toBe(
      'Created europe-central2/shop/web\n',
    );
    expect(await fails('repo', 'create', 'shop/web')).toMatch(/^1: error: .*exists/);
    await server.ok('repo', 'update', 'shop/web', '--immutable-tags', '--no-public');
    expect(await server.ok('repo', 'describe', 'shop/web')).toMatch(/tags +immutable\npulls +with a token/);
    await server.ok('repo', 'update', 'shop/web', '--no-immutable-tags');
    const shown = JSON.parse(await server.ok('repo', 'describe', 'shop/web', '--json'));
    expect(shown).toMatchObject({ description: 'of the shop', immutableTags: false, anonymousPull: false });
    await server.ok('repo', 'create', 'base/hub', '--mode', 'remote', '--docker-hub', '--platform', 'linux/amd64');
    expect(await fails('repo', 'create', 'shop/all', '--mode', 'virtual', '--member', 'base/hub')).toContain(
      'europe-central2/base/hub is another project',
    );
    await server.ok('repo', 'update', 'base/hub', '--public');
    await server.ok(
      'repo',
      'create',
      'shop/all',
      '--mode',
      'virtual',
      '--member',
      'shop/web=20',
      '--member',
      'base/hub',
    );
    expect(lines(await server.ok('repo', 'list'))).toHaveLength(4);
    expect(lines(await server.ok('repo', 'list', '--project', 'base'))[1]).toMatch(/base\/hub +remote/);
    await server.ok('repo', 'delete', 'shop/all');
    expect(await fails('repo', 'describe', 'shop/all')).toContain('there is no repository europe-central2/shop/all');
  });

  it.each([
    [['shop'], 'names no repository'],
    [['shop/x', '--mode', 'remote'], 'a remote repository has one upstream'],
    [['shop/x', '--mode', 'remote', '--upstream', 'quay'], 'is no URL'],
    [['shop/x', '--docker-hub'], 'an upstream is for --mode remote'],
    [['shop/x', '--mode', 'remote', '--docker-hub', '--username', 'u'], 'go together'],
    [
      ['shop/x', '--mode', 'remote', '--docker-hub', '--username', 'u', '--password-file', '/absent'],
      "the server can't read the password: ENOENT",
    ],
    [['shop/x', '--mode', 'remote', '--upstream', 'https://u:p@quay.io'], 'has a password in its address'],
    [['Shop/x'], 'is no name of a repository'],
    [['shop/x', '--cleanup-policies', 'absent.json'], 'there is no file'],
  ])('refuses repo create %j', async (args, message) => {
    expect(await fails('repo', 'create', ...args)).toContain(message);
  });

  it('knows everything of a commit, and what a tag meant', async () => {
    const first = await push('shop/web/api', 'one', '4f2c1e9', 'latest');
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await push('shop/web/api', 'two', 'latest');
    await push('shop/other/job', 'job', '4f2c1e9');
    expect(
      lines(await server.ok('images', '--tag', '4f2c1e9'))
        .slice(1)
        .map((line) => line.split(/ +/).at(-1)),
    ).toEqual([image('shop/other/job:4f2c1e9'), image('shop/web/api:4f2c1e9')]);
    expect(await server.ok('images', '--tag', '4f2c1e9', '--project', 'none')).toContain('No image of this registry');
    expect(
      lines(await server.ok('tags', image('shop/web/api')))
        .slice(1)
        .map((line) => line.split(/ +/)[0]),
    ).toEqual(['4f2c1e9', 'latest']);
    const history = lines(await server.ok('tags', image('shop/web/api:latest'))).slice(1);
    expect(history.map((line) => line.split(/ +/).at(-1))).toEqual([second, first]);
    expect(await server.ok('tags', `${image('shop/web/api:latest')}@{${between}}`)).toBe(`${first}\n`);
    expect(await fails('tags', `${image('shop/web/api:latest')}@{2020-01-01}`)).toMatch(/^1: error: nothing is known/);
    expect(await fails('tags', `${image('shop/web/api:latest')}@{yesterday}`)).toMatch(/^2: .*is no date/);
    expect(await fails('tags', 'docker.io/library/never:seen')).toMatch(/^1: error: nothing is known/);
  });

  it('deletes in the registry, brings back, and says who did what', async () => {
    const digest = await push('shop/web/gone', 'gone', '1', '2');
    const name = `${image('shop/web/gone')}@${digest}`;
    await server.ok('rmi', '--registry', image('shop/web/gone:2'));
    await server.ok('rmi', '--registry', name);
    expect((await send('GET', 'shop/web/gone/manifests/1')).status).toBe(404);
    expect(await server.ok('repo', 'deleted', image('shop/web/gone'))).toContain(digest);
    expect(await server.ok('repo', 'undelete', name)).toBe(`Brought back ${name} with 1\n`);
    expect((await send('GET', 'shop/web/gone/manifests/1')).status).toBe(200);
    expect(await fails('repo', 'undelete', name)).toContain('was not deleted');
    const events = JSON.parse(await server.ok('repo', 'events', 'shop/web', '--limit', '6', '--json'));
    expect(events.map(({ action, actor }: { action: string; actor: string }) => `${action} ${actor}`)).toEqual(
      expect.arrayContaining(['undelete owner', 'delete owner', 'untag owner']),
    );
    expect(lines(await server.ok('repo', 'events')).length).toBeGreaterThan(8);
    await push('shop/web-2/api', 'beside', '1');
    expect(await server.ok('repo', 'events', 'shop/web')).not.toContain('web-2');
  });

  it('says what policies would do, and does it', async () => {
    const keep = await push('shop/temp/job', 'keep', 'v1');
    const go = await push('shop/temp/job', 'go', 'tmp-1');
    const policies = [
      { name: 'temporary', action: { type: 'Delete' }, condition: { tagState: 'tagged', tagPrefixes: ['tmp-'] } },
      { name: 'releases', action: { type: 'Keep' }, condition: { tagPrefixes: ['v'], newerThan: '365d' } },
    ];
    const folder = await server.source('policies', { 'policies.json': JSON.stringify(policies) });
    await server.ok('repo', 'update', 'shop/temp', '--cleanup-policies', `${folder}/policies.json`);
    const told = lines(await server.ok('repo', 'cleanup', 'shop/temp', '--dry-run', '--json')).map((line) =>
      JSON.parse(line),
    );
    expect(told).toHaveLength(2);
    expect(told.find(({ digest }) => digest === go)).toMatchObject({
      goes: true,
      reason: 'deleted by policy temporary',
    });
    expect(told.find(({ digest }) => digest === keep)).toMatchObject({ goes: false });
    expect((await send('GET', 'shop/temp/job/manifests/tmp-1')).status).toBe(200);
    await server.ok('repo', 'cleanup', 'shop/temp');
    expect((await send('GET', 'shop/temp/job/manifests/tmp-1')).status).toBe(404);
    expect((await send('GET', 'shop/temp/job/manifests/v1')).status).toBe(200);
    const wrong = await server.source('wrong', { 'policies.json': '[{"name":"x","action":{"type":"Burn"}}]' });
    expect(await fails('repo', 'update', 'shop/temp', '--cleanup-policies', `${wrong}/policies.json`)).toContain(
      '0.action.type is Delete or Keep',
    );
  });
});
