import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactsHouse, below, repositoryId } from './artifacts-house.ts';

const ADMIN = 'admin of shop';
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

let house: ArtifactsHouse;

beforeAll(async () => {
  house = await ArtifactsHouse.open();
  await house.repositories.create(repositoryId('shop/live'), 'ada');
  await house.push('shop/live/team/api', '1');
});
afterAll(() => house.close());

const wrong: [what: string, body: unknown][] = [
  ['null', 'null'],
  ['a list', '[]'],
  ['a text', '"x"'],
  ['a number', '7'],
  ['half of it', '{"description":'],
  ['deep lists', DEEP],
  ['deep lists in a field', `{"description":${DEEP}}`],
  ['deep lists as a member', `{"virtualRepositoryConfig":{"upstreamPolicies":[{"repository":${DEEP}}]}}`],
  ['a list as description', { description: ['x'] }],
  ['labels that are a text', { labels: 'x' }],
  ['labels that are lists', { labels: { a: [] } }],
  ['policies that are a list', { cleanupPolicies: [null] }],
  ['a policy that is null', { cleanupPolicies: { a: null } }],
  ['prefixes that are a text', { cleanupPolicies: { a: { action: 'DELETE', condition: { tagPrefixes: 'v1' } } } }],
  ['prefixes that are numbers', { cleanupPolicies: { a: { action: 'DELETE', condition: { tagPrefixes: [1] } } } }],
  [
    'prefixes without end',
    { cleanupPolicies: { a: { action: 'DELETE', condition: { tagPrefixes: Array(5000).fill('v') } } } },
  ],
  ['a state that is a number', { cleanupPolicies: { a: { action: 'DELETE', condition: { tagState: 1 } } } }],
  [
    'an age without end',
    { cleanupPolicies: { a: { action: 'DELETE', condition: { olderThan: `${'9'.repeat(400)}s` } } } },
  ],
  ['half a version', { cleanupPolicies: { a: { action: 'KEEP', mostRecentVersions: { keepCount: 0.5 } } } }],
  [
    'packages that are null',
    { cleanupPolicies: { a: { action: 'KEEP', mostRecentVersions: { keepCount: 1, packageNamePrefixes: {} } } } },
  ],
  [
    'an upstream that is a list',
    { mode: 'REMOTE_REPOSITORY', remoteRepositoryConfig: { commonRepository: { uri: ['http://x'] } } },
  ],
  ['members that are a text', { mode: 'VIRTUAL_REPOSITORY', virtualRepositoryConfig: { upstreamPolicies: 'x' } }],
  ['members that are null', { mode: 'VIRTUAL_REPOSITORY', virtualRepositoryConfig: { upstreamPolicies: [null] } }],
  [
    'a rank that is a word',
    {
      mode: 'VIRTUAL_REPOSITORY',
      virtualRepositoryConfig: {
        upstreamPolicies: [{ id: 'a', repository: 'projects/shop/locations/eu/repositories/live', priority: 'first' }],
      },
    },
  ],
];

describe('a repository of which the client says', () => {
  it.each(wrong)('%s is refused as the client’s mistake', async (_what, body) => {
    const made = await house.ask(ADMIN, 'POST', below('shop', '?repositoryId=wrong'), body);
    const empty = body === 'null';
    expect(made.status).toBe(empty ? 200 : 400);
    if (empty) await house.repositories.remove(repositoryId('shop/wrong'), 'ada');
    const changed = await house.ask(ADMIN, 'PATCH', below('shop', '/live'), body);
    expect(changed.status).toBeLessThan(500);
    expect(await house.repositories.get(repositoryId('shop/wrong'))).toBeUndefined();
  });

  it('nothing is as good as an empty object, and null as a field that is absent', async () => {
    expect((await house.ask(ADMIN, 'POST', below('shop', '?repositoryId=plain'))).status).toBe(200);
    const nulls = { description: null, labels: null, cleanupPolicies: null, dockerConfig: null };
    expect((await house.ask(ADMIN, 'POST', below('shop', '?repositoryId=nulls'), nulls)).status).toBe(200);
    const own = '{"labels":{"__proto__":"x","constructor":"y"},"__proto__":{"mode":"REMOTE_REPOSITORY"}}';
    expect((await house.ask(ADMIN, 'POST', below('shop', '?repositoryId=own'), own)).status).toBe(200);
    expect(await house.repositories.get(repositoryId('shop/own'))).toMatchObject({ mode: 'standard' });
  });
});

it.each([
  'shop/locations/eu/repositories?pageSize=1&pageSize=2',
  `shop/locations/eu/repositories?pageToken=${'~'.repeat(8000)}`,
  `shop/locations/eu/repositories/live/dockerImages?pageToken=${encodeURIComponent(`${'x'.repeat(5000)}@@@`)}`,
  'shop/locations/eu/repositories/live/packages?pageToken=%00%ff&pageToken=..%2f..',
  'shop/locations/eu/repositories/live/packages/team%2Fapi/versions?pageToken=%00',
  'shop/locations/eu/repositories/live/packages/team%252Fapi/tags?filter=version=%22x%22',
  'shop/locations/eu/repositories/live/packages/..%2F..%2Fother/tags',
  'shop/locations/eu%2Fother%2Flive/repositories/live/packages/api/tags',
  'shop/locations/eu/repositories/%zz/packages',
  'shop/locations/eu/operations/artifacts-repository-__proto__',
])('answers GET %s by something below 500', async (path) => {
  expect((await house.ask(ADMIN, 'GET', path)).status).toBeLessThan(500);
});

it.each([
  ['POST', '/live/packages/team%2Fapi/tags?tagId=2', null],
  ['POST', '/live/packages/team%2Fapi/tags?tagId=2&tagId=3', { version: ['x'] }],
  ['PATCH', '/live/packages/team%2Fapi/tags/1', undefined],
  ['PATCH', '/live?updateMask=description&updateMask=labels', { description: 'x' }],
  ['PATCH', '/live?updateMask=__proto__,constructor', {}],
  ['POST', '/live:setIamPolicy', { policy: { bindings: 'x' } }],
  ['POST', '/live:setIamPolicy', { policy: { bindings: [null] } }],
  ['POST', '/live:setIamPolicy', { policy: { bindings: [{ members: [DEEP] }] } }],
] as const)('answers %s %s by something below 500', async (method, path, body) => {
  expect((await house.ask(ADMIN, method, below('shop', path), body ?? undefined)).status).toBeLessThan(500);
});

it('reads one manifest at a time for a list of a thousand versions', async () => {
  for (let i = 0; i < 20; i++) await house.push('shop/live/many', `v${i}`);
  const { read } = house.content;
  let [now, most] = [0, 0];
  house.content.read = async (...of: Parameters<typeof read>) => {
    most = Math.max(most, ++now);
    return read.apply(house.content, of).finally(() => now--);
  };
  const answer = await house.ask(ADMIN, 'GET', below('shop', '/live/packages/many/versions?pageSize=1000'));
  expect([(answer.json['versions'] as unknown[]).length, most]).toEqual([20, 1]);
});
