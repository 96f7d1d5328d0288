import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/auth/identity.ts';
import { projectNumber } from '../../../src/builds/project-number.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { openBench } from '../build-log/build-bench.ts';
import { doorOfBench } from './door-of-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let door: FastifyInstance;
const identities: Record<string, Identity> = {
  writer: { kind: 'token', name: 'w', grants: [{ role: 'writer', project: 'p1' }] },
  reader: { kind: 'token', name: 'r', grants: [{ role: 'reader', project: 'p1' }] },
  other: { kind: 'token', name: 'o', grants: [{ role: 'admin', project: 'p2' }] },
};

beforeEach(async () => {
  bench = await openBench();
  door = await doorOfBench(bench, identities);
});
afterEach(async () => {
  await door.close();
  await bench.close();
});

async function send(method: 'GET' | 'POST', url: string, body?: unknown, token = 'writer') {
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await door.inject({ method, url, headers, ...(body === undefined ? {} : { payload }) });
  return { status: answer.statusCode, json: answer.json() };
}

const REGION = '/v1/projects/p1/locations/europe-central2';
const BUILD = { steps: [{ name: 'busybox', args: ['say', '$PROJECT_ID'] }] };
const create = async (base = REGION) => (await send('POST', `${base}/builds?alt=json`, BUILD)).json.metadata.build;

describe('the cloudbuild door', () => {
  it('answers a submit with an operation that holds the build', async () => {
    const { status, json } = await send('POST', `${REGION}/builds?alt=json`, BUILD);
    const { id } = json.metadata.build;
    expect(status).toBe(200);
    expect(json).toEqual({
      name: `operations/build/p1/${Buffer.from(id).toString('base64')}`,
      metadata: {
        '@type': 'type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata',
        build: {
          id,
          name: `projects/${projectNumber('p1')}/locations/europe-central2/builds/${id}`,
          projectId: 'p1',
          status: 'QUEUED',
          steps: [{ name: 'busybox', args: ['say', 'p1'] }],
          options: { logging: 'LEGACY' },
          createTime: expect.stringMatching(/^\d{4}-.*Z$/),
          timeout: '3600s',
          queueTtl: '3600s',
          logsBucket: 'gs://logs',
          logUrl: `http://localhost/builds/${id}`,
        },
      },
    });
  });

  it('finds a build by any location, without one, by project number, and as an operation', async () => {
    const { id } = await create();
    const number = projectNumber('p1');
    for (const path of [
      `${REGION}/builds/${id}`,
      `/v1/projects/p1/locations/global/builds/${id}`,
      `/v1/projects/p1/builds/${id}`,
      `/v1/projects/${number}/locations/europe-central2/builds/${id}`,
    ])
      expect((await send('GET', path)).json.id, path).toBe(id);
    const base64 = encodeURIComponent(Buffer.from(id).toString('base64'));
    for (const path of [
      `/v1/operations/build/p1/${base64}`,
      `${REGION}/operations/${id}`,
      `${REGION}/operations/${base64}`,
    ])
      expect((await send('GET', path)).json.metadata?.build.id, path).toBe(id);
  });

  it('an operation is done when its build is', async () => {
    const build = await create();
    await runBuild(build, bench.deps, new AbortController().signal);
    const { json } = await send('GET', `${REGION}/operations/${build.id}`);
    expect(json).toMatchObject({
      done: true,
      response: { '@type': expect.stringContaining('v1.Build'), status: 'SUCCESS' },
    });
    const failing = await send('POST', `${REGION}/builds`, { steps: [{ name: 'busybox', args: ['exit', '1'] }] });
    await runBuild(failing.json.metadata.build, bench.deps, new AbortController().signal);
    expect((await send('GET', `/v1/${failing.json.name}`)).json).toMatchObject({
      done: true,
      error: { code: 2, message: expect.stringContaining('non-zero status: 1') },
    });
  });

  it('lists newest first, by location, in pages, filtered', async () => {
    expect((await send('GET', `${REGION}/builds?pageSize=20`)).json).toEqual({});
    const ids = [];
    for (let i = 0; i < 3; i++) ids.unshift((await create()).id);
    await create('/v1/projects/p1');
    const first = (await send('GET', `${REGION}/builds?pageSize=2`)).json;
    const second = (await send('GET', `${REGION}/builds?pageSize=2&pageToken=${first.nextPageToken}`)).json;
    const seen = [...first.builds, ...second.builds].map((build: { id: string }) => build.id);
    expect(new Set(seen)).toEqual(new Set(ids));
    expect(second.nextPageToken).toBeUndefined();
    expect((await send('GET', '/v1/projects/p1/builds')).json.builds).toHaveLength(1);
    expect((await send('GET', '/v1/projects/p1/locations/-/builds')).json.builds).toHaveLength(4);
    const filter = encodeURIComponent('status="WORKING" OR status="QUEUED"');
    expect((await send('GET', `${REGION}/builds?filter=${filter}`)).json.builds).toHaveLength(3);
    expect((await send('GET', `${REGION}/builds?filter=nonsense`)).status).toBe(400);
  });

  it('cancels a build, answering with it, and retries its request anew', async () => {
    const { id } = await create();
    const cancelled = await send('POST', `${REGION}/builds/${id}:cancel`, { id, projectId: 'p1' });
    expect(cancelled.json).toMatchObject({ id, projectId: 'p1', status: 'CANCELLED' });
    const again = await send('POST', `${REGION}/builds/${id}:retry`, '');
    expect(again.json.metadata.build).toMatchObject({
      status: 'QUEUED',
      steps: BUILD.steps.map((step) => ({ ...step, args: ['say', 'p1'] })),
    });
    expect(again.json.metadata.build.id).not.toBe(id);
    expect((await send('POST', `${REGION}/builds/${id}:explode`, {})).status).toBe(404);
  });

  it.each<[string, unknown, number, string, string]>([
    [
      'an unknown field',
      { steps: [{ name: 'a', foo: 1 }] },
      400,
      'INVALID_ARGUMENT',
      'Invalid JSON payload received. Unknown name "foo" at \'build.steps[0]\': Cannot find field.',
    ],
    [
      'an unknown substitution',
      { steps: [{ name: 'a', args: ['$_FOO'] }] },
      400,
      'INVALID_ARGUMENT',
      'invalid value for \'build.substitutions\': key in the template "_FOO" is not matched in the substitution data; substitutions = map[]',
    ],
    [
      'a timeout in minutes',
      { ...BUILD, timeout: '10m' },
      400,
      'INVALID_ARGUMENT',
      'invalid build: timeout "10m": illegal duration format; duration must end with \'s\'',
    ],
    ['no JSON', '{', 400, 'INVALID_ARGUMENT', 'Invalid JSON payload received. The body is not JSON.'],
    [
      'a depth that is absurd',
      `{"steps":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      400,
      'INVALID_ARGUMENT',
      'the build is nested more than 30 levels deep',
    ],
    [
      'a prototype',
      '{"__proto__":{"steps":[]}}',
      400,
      'INVALID_ARGUMENT',
      'Invalid JSON payload received. Unknown name "__proto__" at \'build\': Cannot find field.',
    ],
    [
      'a secret without a version',
      { ...BUILD, availableSecrets: { secretManager: [{ versionName: 'v', env: 'A' }] } },
      400,
      'INVALID_ARGUMENT',
      '"v" does not name a version of a secret',
    ],
  ])("refuses %s in Google's words, never with a 5xx", async (_, body, code, status, message) => {
    const answer = await send('POST', `${REGION}/builds`, body);
    expect(answer.json.error).toMatchObject({ code, status });
    expect(answer.json.error.message.split('\n')[0]).toBe(message);
    expect(answer.status).toBe(code);
    expect((await send('GET', `${REGION}/builds`)).json).toEqual({});
  });

  it.each([
    ['', 'POST', 401],
    ['wrong', 'POST', 401],
    ['reader', 'POST', 403],
    ['other', 'POST', 403],
    ['reader', 'GET', 200],
    ['other', 'GET', 403],
    ['', 'GET', 401],
  ] as const)('the token %j may %s: %i', async (token, method, status) => {
    const answer = await send(method, `${REGION}/builds`, method === 'POST' ? BUILD : undefined, token);
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.json.error.code).toBe(status);
  });

  it('keeps a build from who has no right in its project, also as an operation', async () => {
    const { id } = await create();
    expect((await send('GET', `/v1/projects/p2/builds/${id}`, undefined, 'other')).status).toBe(404);
    expect((await send('GET', `${REGION}/operations/${id}`, undefined, 'other')).status).toBe(403);
    expect(
      (await send('GET', `${REGION}/operations/00000000-0000-0000-0000-000000000000`, undefined, 'other')).status,
    ).toBe(403);
  });

  it.each(['/v1/nothing', `${REGION}/builds/nope`, `${REGION}/builds/${'x'.repeat(400)}`, `${REGION}/builds/%zz`])(
    "%s is answered in Google's form",
    async (path) => {
      const { status, json } = await send('GET', path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(Object.keys(json)).toEqual(['error']);
    },
  );

  it('names the service account of a project', async () => {
    expect((await send('GET', `${REGION}/defaultServiceAccount`)).json.serviceAccountEmail).toMatch(
      /^\d{12}@cloudbuild\.gserviceaccount\.com$/,
    );
  });
});

/** What the real gcloud sent, recorded; the folder is not part of this repository. */
const FIXTURES = process.env['SLIPWAY_FIXTURES'] ?? join(import.meta.dirname, '../../../../shared/fixtures');
const recorded = join(FIXTURES, 'gcloud');

interface Exchange {
  method: string;
  path: string;
  json?: { steps?: unknown };
}

describe.skipIf(!existsSync(recorded))('what gcloud sent (skipped where its recordings are absent)', () => {
  const posts = !existsSync(recorded)
    ? []
    : readdirSync(recorded)
        .filter((name) => /^(submit|ignore|min|override)-/.test(name))
        .flatMap((name) => {
          const { exchange } = JSON.parse(readFileSync(join(recorded, name), 'utf8')) as { exchange: Exchange[] };
          return exchange
            .filter(
              ({ method, path, json }) => method === 'POST' && path.endsWith('/builds') && json?.steps !== undefined,
            )
            .map((one): [string, Exchange] => [name, one]);
        });

  it.each(posts)('%s is understood', async (_, { path, json }) => {
    await bench.workerPools.create({ project: 'p1', location: 'europe-central2', id: 'wp' }, {});
    const { status, json: answer } = await send('POST', path.slice(path.indexOf('/v1/')), json);
    if (status === 200) expect(answer.metadata.build.status).toBe('QUEUED');
    else
      expect(answer.error.message).toMatch(
        /source\.\w+ is not supported|does not respect format|not a valid built-in|not matched in/,
      );
  });
});
