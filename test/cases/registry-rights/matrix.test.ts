import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseGrantScope } from '../../../src/auth/grant-scope.ts';
import type { Role } from '../../../src/auth/identity.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';

/** Who asks, and the most that they may do to `p/r/team/api`; repository `p/public` is open to everybody. */
const WHO = {
  nobody: undefined,
  'a token of nobody': undefined,
  'reader of p': 'reader',
  'reader of p/r': 'reader',
  'reader of p/r/team/*': 'reader',
  'reader of p/r/team/api': 'reader',
  'writer of p/r/team/*': 'writer',
  'admin of p/r': 'admin',
  'reader of p/r/team/other': undefined,
  'reader of p/r/teams/*': undefined,
  'admin of p/other': undefined,
  'admin of q': undefined,
} satisfies Record<string, Role | undefined>;
type Who = keyof typeof WHO;

const LAYER = Buffer.from('a layer');
const ABSENT = digestOf('nobody has this');
const ID = '00000000-0000-0000-0000-000000000000';
const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, digest: digestOf(LAYER), size: LAYER.length },
    layers: [],
  }),
);
const BLOB = `blobs/${digestOf(LAYER)}`;

/** Every operation, and the least role that it needs. What destroys is asked of what is not there. */
const OPERATIONS: [needs: Role, method: string, rest: string, body?: Buffer][] = [
  ['reader', 'GET', 'tags/list'],
  ['reader', 'GET', 'manifests/1'],
  ['reader', 'HEAD', 'manifests/1'],
  ['reader', 'GET', `manifests/${digestOf(MANIFEST)}`],
  ['reader', 'GET', BLOB],
  ['reader', 'HEAD', BLOB],
  ['reader', 'GET', `referrers/${digestOf(MANIFEST)}`],
  ['writer', 'POST', 'blobs/uploads/'],
  ['writer', 'POST', `blobs/uploads/?digest=${digestOf(LAYER)}`, LAYER],
  ['writer', 'POST', `blobs/uploads/?mount=${digestOf(LAYER)}&from=p/public/api`],
  ['writer', 'GET', `blobs/uploads/${ID}`],
  ['writer', 'PATCH', `blobs/uploads/${ID}`, LAYER],
  ['writer', 'PUT', `blobs/uploads/${ID}?digest=${digestOf(LAYER)}`],
  ['writer', 'DELETE', `blobs/uploads/${ID}`],
  ['writer', 'PUT', 'manifests/1', MANIFEST],
  ['writer', 'PUT', `manifests/${digestOf(MANIFEST)}?tag=2`, MANIFEST],
  ['admin', 'DELETE', 'manifests/absent'],
  ['admin', 'DELETE', `manifests/${ABSENT}`],
  ['admin', 'DELETE', `blobs/${ABSENT}`],
];
const RANK: Record<Role, number> = { reader: 1, writer: 2, admin: 3 };

let server: RegistryServer;
const authorization = new Map<string, string>();
let owner = '';

beforeAll(async () => {
  server = await startRegistryServer();
  owner = `Bearer ${await server.token({ role: 'admin', project: '*' })}`;
  for (const who of Object.keys(WHO)) {
    const [, role, scope] = /^(reader|writer|admin) of (.*)$/.exec(who) ?? [];
    if (role === undefined || scope === undefined) continue;
    const secret = await server.token({ role: role as Role, ...parseGrantScope(scope) });
    authorization.set(who, `Basic ${Buffer.from(`oauth2accesstoken:${secret}`).toString('base64')}`);
  }
  const answer = (await (await fetch(`${server.url}/v2/token?scope=repository:p/r/team/api:pull`)).json()) as {
    token: string;
  };
  authorization.set('a token of nobody', `Bearer ${answer.token}`);
  for (const name of ['p/r/team/api', 'p/public/api']) {
    await ask(owner, 'POST', `${name}/blobs/uploads/?digest=${digestOf(LAYER)}`, LAYER);
    expect((await ask(owner, 'PUT', `${name}/manifests/1`, MANIFEST)).status).toBe(201);
  }
});
afterAll(() => server.close());

function ask(credentials: string | undefined, method: string, path: string, body?: Buffer): Promise<Response> {
  const headers: Record<string, string> = credentials === undefined ? {} : { authorization: credentials };
  if (path.includes('/manifests/')) headers['content-type'] = MEDIA.ociManifest;
  return fetch(`${server.url}/v2/${path}`, { method, headers, body: body === undefined ? null : new Uint8Array(body) });
}

describe.each(OPERATIONS)('needs %s: %s %s', (needs, method, rest, body) => {
  it.each(Object.entries(WHO) as [Who, Role | undefined][])('%s', async (who, role) => {
    const unknown = who === 'nobody' || who === 'a token of nobody';
    const refused = unknown ? 401 : 403;
    const closed = await ask(authorization.get(who), method, `p/r/team/api/${rest}`, body);
    if (role !== undefined && RANK[role] >= RANK[needs]) expect([401, 403]).not.toContain(closed.status);
    else expect(closed.status).toBe(refused);
    if (closed.status === 401)
      expect(closed.headers.get('www-authenticate')).toMatch(/^Bearer realm=.*scope="repository:p\/r\/team\/api:/);

    if (who === 'reader of p') return; // its rights reach p/public as well
    const open = await ask(authorization.get(who), method, `p/public/api/${rest}`, body);
    if (needs === 'reader') expect(open.status).toBe(200);
    else expect(open.status).toBe(refused);
  });
});

describe('the catalogue', () => {
  it.each([
    ['reader of p', ['p/public/api', 'p/r/team/api']],
    ['reader of p/r/team/*', ['p/public/api', 'p/r/team/api']],
    ['reader of p/r/team/other', ['p/public/api']],
    ['admin of q', ['p/public/api']],
  ] satisfies [Who, string[]][])('of %s lists what it may read', async (who, names) => {
    const answer = await ask(authorization.get(who), 'GET', '_catalog');
    expect(await answer.json()).toEqual({ repositories: names });
  });

  it('costs who may read little no more than a look at each repository, and has all of it', async () => {
    const put = { mediaType: MEDIA.ociManifest, size: 1, blobs: [], children: [], tags: [], actor: 'test' };
    for (let i = 0; i < 1200; i++) {
      await server.store.putManifest(`europe-central2/p/many/image-${i}`, { ...put, digest: digestOf('x') });
      await new Promise(setImmediate); // for connections that rest, and are given up meanwhile
    }
    let asked = 0;
    const { repositories } = server.store;
    server.store.repositories = (...of) => {
      asked++;
      return repositories.apply(server.store, of);
    };
    const names: string[] = [];
    for (let next = '_catalog?n=1'; next !== ''; ) {
      const answer = await ask(authorization.get('reader of p/r/team/*'), 'GET', next);
      names.push(...((await answer.json()) as { repositories: string[] }).repositories);
      next = /<\/v2\/(.+?)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    }
    server.store.repositories = repositories;
    expect(names).toEqual(['p/public/api', 'p/r/team/api']);
    expect(asked).toBeLessThan(8);
  });

  it('is for those who have said who they are', async () => {
    expect((await ask(undefined, 'GET', '_catalog')).status).toBe(401);
    expect((await ask(authorization.get('a token of nobody'), 'GET', '_catalog')).status).toBe(401);
  });
});

describe('a mount', () => {
  const mount = async (who: string, from: string, digest: Digest) =>
    (await ask(who, 'POST', `q/mine/x/blobs/uploads/?mount=${digest}${from}`)).status;

  it('brings nothing out of a repository that the caller may not read, and does not tell that it is there', async () => {
    const secret = Buffer.from('a private layer');
    await ask(owner, 'POST', `p/r/team/api/blobs/uploads/?digest=${digestOf(secret)}`, secret);
    const stranger = authorization.get('admin of q') ?? '';
    for (const from of ['&from=p/r/team/api', '', '&from=', '&from=p/absent/api'])
      for (const digest of [digestOf(secret), ABSENT])
        expect([from, await mount(stranger, from, digest)]).toEqual([from, 202]);
    expect((await ask(stranger, 'GET', `q/mine/x/blobs/${digestOf(secret)}`)).status).toBe(404);
    const naming = MANIFEST.toString().replace(digestOf(LAYER), digestOf(secret));
    expect((await ask(stranger, 'PUT', 'q/mine/x/manifests/1', Buffer.from(naming))).status).toBe(400);
  });

  it('takes what the caller may read, and what everybody may', async () => {
    const both = `Bearer ${await server.token({ role: 'writer', project: 'q' }, { role: 'reader', project: 'p' })}`;
    expect(await mount(both, '&from=p/r/team/api', digestOf(LAYER))).toBe(201);
    const stranger = authorization.get('admin of q') ?? '';
    expect(await mount(stranger, '&from=p/public/api', digestOf(LAYER))).toBe(201);
    expect(await mount(stranger, '', digestOf(LAYER))).toBe(201);
  });
});

describe('the token service', () => {
  const basic = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  const token = (headers: Record<string, string>, query = '') => fetch(`${server.url}/v2/token${query}`, { headers });

  it('takes a token as the password of any of the names that clients use', async () => {
    const secret = await server.token({ role: 'reader', project: 'p' });
    for (const user of [
      'oauth2accesstoken',
      '_dcgcloud_token',
      '_json_key',
      '_json_key_base64',
      'anna',
      '',
      '<token>',
    ]) {
      const answer = await token({ authorization: basic(user, secret) });
      const { token: access } = (await answer.json()) as { token: string };
      expect([user, (await ask(`Bearer ${access}`, 'GET', 'p/r/team/api/tags/list')).status]).toEqual([user, 200]);
      expect((await ask(basic(user, secret), 'GET', 'p/r/team/api/tags/list')).status).toBe(200);
    }
  });

  it('takes a service account’s key file, also in base64', async () => {
    const account = await server.accounts.create({
      note: 'ci',
      project: 'p',
      grants: [{ role: 'reader', project: 'p' }],
      tokenUri: `${server.url}/oauth2/token`,
    });
    const file = JSON.stringify(account.key);
    for (const [user, secret] of [
      ['_json_key', file],
      ['_json_key_base64', Buffer.from(file).toString('base64')],
    ] as const)
      expect((await token({ authorization: basic(user, secret) })).status).toBe(200);
  });

  it('gives a refresh token to those who ask for one, which is good there alone', async () => {
    const secret = await server.token({ role: 'reader', project: 'p' });
    const plain = (await (await token({ authorization: basic('x', secret) })).json()) as object;
    expect(plain).not.toHaveProperty('refresh_token');
    const offline = await token({ authorization: basic('x', secret) }, '?offline_token=true');
    const { refresh_token: refresh = '' } = (await offline.json()) as { refresh_token?: string };
    expect((await ask(`Bearer ${refresh}`, 'GET', 'p/r/team/api/tags/list')).status).toBe(401);
    const post = (form: Record<string, string>) =>
      fetch(`${server.url}/v2/token`, { method: 'POST', body: new URLSearchParams(form) });
    const again = await post({
      grant_type: 'refresh_token',
      refresh_token: refresh,
      service: 'x',
      client_id: 'docker',
    });
    const { access_token: access } = (await again.json()) as { access_token: string };
    expect((await ask(`Bearer ${access}`, 'GET', 'p/r/team/api/tags/list')).status).toBe(200);
    for (const form of [
      { grant_type: 'refresh_token', refresh_token: `${refresh.slice(0, -2)}xx` },
      { grant_type: 'refresh_token', refresh_token: access },
      { grant_type: 'refresh_token' },
      { grant_type: 'password', password: 'guess' },
    ])
      expect((await post(form as Record<string, string>)).status).toBe(401);
    expect((await post({ grant_type: 'magic' })).status).toBe(400);
  });
});
