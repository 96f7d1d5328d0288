import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForBuilds, TestServer } from './server.ts';

type Who = 'nobody' | 'reader' | 'writer' | 'stranger' | 'expired' | 'revoked';
type Needs = 'reader' | 'writer' | 'admin';

const why = await missingForBuilds();
const ID = '{build}';
const LOCATION = '/v1/projects/a/locations/europe-central2';
const JSON_TYPE = { 'content-type': 'application/json' };

/** Every kind of route of every door, with the least role of project `a` that it needs. */
const ROUTES: [needs: Needs, method: string, path: string, body?: string][] = [
  ['reader', 'GET', '/v2/a/r/i/tags/list'],
  ['reader', 'GET', '/v2/a/r/i/manifests/latest'],
  ['reader', 'GET', `/v2/a/r/i/blobs/sha256:${'0'.repeat(64)}`],
  ['reader', 'GET', `/v2/a/r/i/referrers/sha256:${'0'.repeat(64)}`],
  ['writer', 'POST', '/v2/a/r/i/blobs/uploads/'],
  ['writer', 'GET', '/v2/a/r/i/blobs/uploads/00000000-0000-0000-0000-000000000000'],
  ['writer', 'PUT', '/v2/a/r/i/manifests/latest', '{}'],
  ['admin', 'DELETE', '/v2/a/r/i/manifests/latest'],
  ['admin', 'DELETE', `/v2/a/r/i/blobs/sha256:${'0'.repeat(64)}`],
  ['reader', 'GET', '/storage/v1/b?project=a'],
  ['writer', 'POST', '/storage/v1/b?project=a', '{"name":"rights-new"}'],
  ['reader', 'GET', '/storage/v1/b/rights-a'],
  ['reader', 'GET', '/storage/v1/b/rights-a/o'],
  ['reader', 'GET', '/storage/v1/b/rights-a/o/x'],
  ['reader', 'GET', '/storage/v1/b/rights-a/o/x?alt=media'],
  ['reader', 'GET', '/storage/plain/rights-a/x'],
  ['reader', 'GET', '/download/storage/v1/b/rights-a/o/x?alt=media'],
  ['writer', 'POST', '/upload/storage/v1/b/rights-a/o?uploadType=media&name=y', 'bytes'],
  ['writer', 'POST', '/upload/storage/v1/b/rights-a/o?uploadType=resumable&name=y', '{}'],
  ['writer', 'PATCH', '/storage/v1/b/rights-a/o/x', '{}'],
  ['writer', 'POST', '/storage/v1/b/rights-a/o/y/compose', '{"sourceObjects":[{"name":"x"}]}'],
  ['writer', 'POST', '/storage/v1/b/rights-a/o/x/copyTo/b/rights-a/o/z', '{}'],
  ['writer', 'DELETE', '/storage/v1/b/rights-a/o/z'],
  ['writer', 'DELETE', '/storage/v1/b/rights-a'],
  ['reader', 'GET', `${LOCATION}/builds`],
  ['reader', 'GET', '/v1/projects/a/builds'],
  ['reader', 'GET', `${LOCATION}/builds/${ID}`],
  ['reader', 'GET', `${LOCATION}/operations/${ID}`],
  ['reader', 'GET', `/v1/operations/build/a/${ID}`],
  ['reader', 'GET', `${LOCATION}/defaultServiceAccount`],
  ['writer', 'POST', `${LOCATION}/builds`, '{"steps":[]}'],
  ['writer', 'POST', `${LOCATION}/builds/${ID}:cancel`, '{}'],
  ['reader', 'GET', `/builds/${ID}`],
];

const RANK: Record<Needs, number> = { reader: 1, writer: 2, admin: 3 };

describe.skipIf(why !== '')(`rights at every door${why}`, () => {
  let server: TestServer;
  let build: string;
  const tokens: Record<Who, string> = { nobody: '', reader: '', writer: '', stranger: '', expired: '', revoked: '' };

  const control = (method: string, body: unknown): Promise<{ id: string; secret: string }> =>
    new Promise((resolve, reject) => {
      const call = request(
        { socketPath: join(server.data, 'slipway.sock'), path: `/control/${method}`, method: 'POST' },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(JSON.parse(text).result));
        },
      );
      call.on('error', reject);
      call.end(JSON.stringify(body));
    });
  const send = (who: Who | 'owner', method: string, path: string, body?: string) => {
    const token = who === 'owner' ? tokens.nobody : tokens[who];
    const headers = token === '' ? JSON_TYPE : { ...JSON_TYPE, authorization: `Bearer ${token}` };
    return fetch(`${server.url}${path.replace(ID, build)}`, { method, headers, body: body ?? null });
  };

  beforeAll(async () => {
    server = await TestServer.start();
    const create = async (role: string, project: string, more = {}) =>
      control('createToken', { note: 'test', grants: [{ role, project }], ...more });
    tokens.reader = (await create('reader', 'a')).secret;
    tokens.writer = (await create('writer', 'a')).secret;
    tokens.stranger = (await create('admin', 'b')).secret;
    tokens.expired = (await create('admin', '*', { expiresAt: Date.now() - 1 })).secret;
    const { id, secret } = await create('admin', '*');
    tokens.revoked = secret;
    await control('revokeToken', { id });
    expect((await send('writer', 'POST', '/storage/v1/b?project=a', '{"name":"rights-a"}')).status).toBe(200);
    await send('stranger', 'POST', '/storage/v1/b?project=b', '{"name":"rights-b"}');
    await send('writer', 'POST', '/upload/storage/v1/b/rights-a/o?uploadType=media&name=x', 'secret');
    const steps = '{"steps":[{"name":"gcr.io/cloud-builders/docker","args":["version"]}]}';
    const made = await send('writer', 'POST', `${LOCATION}/builds`, steps);
    build = ((await made.json()) as { metadata: { build: { id: string } } }).metadata.build.id;
  });
  afterAll(() => server?.close());

  it.concurrent.each(ROUTES)('%s: %s %s', async (needs, method, path, body) => {
    for (const who of ['nobody', 'expired', 'revoked', 'stranger'] as const) {
      const { status } = await send(who, method, path, body);
      // a page for browsers asks nobody to log in, and says 403 to all
      const refused = who === 'stranger' || path.startsWith('/builds/') ? 403 : 401;
      expect([who, status]).toEqual([who, refused]);
    }
    for (const who of ['reader', 'writer'] as const) {
      const { status } = await send(who, method, path, body);
      expect([who, status === 401 || status === 403]).toEqual([who, RANK[who] < RANK[needs]]);
    }
  });

  it('copies nothing out of a project that the caller can’t read', async () => {
    const path = '/storage/v1/b/rights-a/o/x/rewriteTo/b/rights-b/o/x';
    expect((await send('stranger', 'POST', path, '{}')).status).toBe(403);
    expect((await send('stranger', 'GET', '/storage/v1/b/rights-b/o/x')).status).toBe(404);
  });

  it('shows logs of builds to those who may see the build, and hides from others that there are any', async () => {
    const { logsBucket = '' } = (await (await send('reader', 'GET', `${LOCATION}/builds/${ID}`)).json()) as {
      logsBucket?: string;
    };
    const path = `/storage/plain/${logsBucket.replace('gs://', '')}/log-${ID}.txt`;
    await expect.poll(async () => (await send('reader', 'GET', path)).status, { timeout: 20_000 }).toBe(200);
    expect((await send('stranger', 'GET', path)).status).toBe(404);
    expect((await send('nobody', 'GET', path)).status).toBe(404);
    expect((await send('stranger', 'GET', `${LOCATION.replace('/a/', '/b/')}/builds/${ID}`)).status).toBe(404);
  });

  it('survives bodies that are made to hurt', async () => {
    const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
    const bodies = [
      deep(200_000),
      `{"steps":${deep(100_000)}}`,
      '{"__proto__":{"steps":[]},"constructor":1}',
      '{"steps":[{"name":"busybox","__proto__":{"args":["x"]}}]}',
      `{"steps":[{"name":"busybox","args":["${'x'.repeat(3 << 20)}"]}]}`,
      `{"substitutions":{"__proto__":"x","_A":"$\{_A}"},"steps":[{"name":"$_A$_A"}]}`,
      'x'.repeat(8 << 20),
    ];
    for (const body of bodies) {
      const { status } = await send('writer', 'POST', `${LOCATION}/builds`, body);
      expect([body.slice(0, 40), status]).toEqual([body.slice(0, 40), expect.toSatisfy((s) => s >= 400 && s < 500)]);
    }
    const manifest = `{"schemaVersion":2,"manifests":${deep(50_000)}}`;
    expect((await send('writer', 'PUT', '/v2/a/r/i/manifests/x', manifest)).status).toBe(400);
    expect((await send('writer', 'PUT', '/v2/a/r/i/manifests/x', ' '.repeat(5 << 20))).status).toBe(413);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await server.log()).not.toMatch(/"level":50/);
  });
});
