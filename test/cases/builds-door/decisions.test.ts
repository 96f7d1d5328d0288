import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/auth/identity.ts';
import { submitBuild } from '../../../src/builds/submit.ts';
import { openBench } from '../build-log/build-bench.ts';
import { doorOfBench } from './door-of-bench.ts';

const IDENTITIES: Record<string, Identity> = {
  admin: { kind: 'token', name: 'boss', grants: [{ role: 'admin', project: 'p1' }] },
  writer: { kind: 'token', name: 'w', grants: [{ role: 'writer', project: 'p1' }] },
};
const REGION = '/v1/projects/p1/locations/europe-central2';

let bench: Awaited<ReturnType<typeof openBench>>;
let door: FastifyInstance;

beforeEach(async () => {
  bench = await openBench();
  door = await doorOfBench(bench, IDENTITIES);
});
afterEach(async () => {
  await door.close();
  await bench.close();
});

async function post(url: string, body: unknown, token = 'admin') {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await door.inject({ method: 'POST', url, headers, payload: JSON.stringify(body) });
  return { status: answer.statusCode, json: answer.json() };
}

/** A build of a trigger that asks for approval. */
async function pending(): Promise<string> {
  const request = { steps: [{ name: 'busybox', args: ['$TRIGGER_NAME', '$COMMIT_SHA'] }] };
  const trigger = { id: 't-1', values: { TRIGGER_NAME: 'nightly', COMMIT_SHA: 'c0ffee' }, approvalRequired: true };
  const place = { project: 'p1', location: 'europe-central2', actor: 'trigger' };
  const build = await submitBuild({ request, ...place, trigger }, bench.submitDeps);
  expect(build.status).toBe('PENDING');
  return build.id;
}

const decide = (id: string, approvalResult: object, token?: string) =>
  post(`${REGION}/builds/${id}:approve`, { approvalResult }, token);
const waiting = () => bench.queue.waiting();

describe('a build that waits for approval', () => {
  it('takes its place in the queue when it is approved, and says who did', async () => {
    const id = await pending();
    expect(await waiting()).toBe(0);
    const { status, json } = await decide(id, { decision: 'APPROVED', comment: 'ok', url: 'http://tickets/1' });
    expect([status, json.metadata.build.status]).toEqual([200, 'QUEUED']);
    expect(json.metadata.build.approval).toEqual({
      state: 'APPROVED',
      config: { approvalRequired: true },
      result: {
        approverAccount: 'boss',
        approvalTime: expect.stringMatching(/Z$/),
        decision: 'APPROVED',
        comment: 'ok',
        url: 'http://tickets/1',
      },
    });
    expect(await waiting()).toBe(1);
  });

  it('ends when it is rejected, with the reason in its log', async () => {
    const id = await pending();
    const { json } = await decide(id, { decision: 'REJECTED', comment: 'not today' });
    expect(json).toMatchObject({ done: true, error: { code: 1, message: 'rejected by boss: not today' } });
    expect(json.metadata.build).toMatchObject({ status: 'CANCELLED', approval: { state: 'REJECTED' } });
    expect((await bench.logs.read(id, 0, 1000)).toString()).toBe('CANCELLED\nERROR: rejected by boss: not today\n');
    expect(await waiting()).toBe(0);
  });

  it('is decided once', async () => {
    const id = await pending();
    const answers = await Promise.all([
      decide(id, { decision: 'APPROVED' }),
      decide(id, { decision: 'APPROVED' }),
      decide(id, { decision: 'APPROVED' }),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400]);
    expect(await waiting()).toBe(1);
    const late = await decide(id, { decision: 'REJECTED' });
    expect(late.json.error).toMatchObject({
      status: 'FAILED_PRECONDITION',
      message: `build ${id} does not wait for approval: its status is QUEUED`,
    });
  });

  it('is cancelled as any other', async () => {
    const id = await pending();
    const { json } = await post(`${REGION}/builds/${id}:cancel`, {});
    expect(json).toMatchObject({ status: 'CANCELLED', approval: { state: 'CANCELLED' } });
  });

  it('when it is retried waits again, with what its trigger gave it', async () => {
    const id = await pending();
    await decide(id, { decision: 'REJECTED' });
    const { json } = await post(`${REGION}/builds/${id}:retry`, {}, 'writer');
    expect(json.metadata.build).toMatchObject({
      status: 'PENDING',
      buildTriggerId: 't-1',
      steps: [{ args: ['nightly', 'c0ffee'] }],
    });
  });

  it.each([
    ['who may only build', { decision: 'APPROVED' }, 'writer', 403],
    ['no decision', {}, 'admin', 400],
    ['another decision', { decision: 'MAYBE' }, 'admin', 400],
  ])('is not decided by %s', async (_what, result, token, status) => {
    const id = await pending();
    expect((await decide(id, result, token)).status).toBe(status);
    expect((await bench.records.get(id))?.build.status).toBe('PENDING');
  });
});

describe('operations', () => {
  it('are listed by location, and cancelled by name', async () => {
    const { json } = await post(`${REGION}/builds`, { steps: [{ name: 'busybox' }] });
    const headers = { authorization: 'Bearer writer' };
    const list = async (path: string) => (await door.inject({ url: path, headers })).json();
    expect((await list(`${REGION}/operations?pageSize=1`)).operations[0].name).toBe(json.name);
    expect(await list('/v1/projects/p1/locations/global/operations')).toEqual({});
    expect((await post(`/v1/${json.name}:cancel`, {}, 'writer')).json).toEqual({});
    expect((await list(`/v1/${json.name}`)).metadata.build.status).toBe('CANCELLED');
  });

  it.each([`${REGION}/builds/x:explode`, `${REGION}/operations/x:wait`, '/v1/operations/x:delete', '/v1/nothing'])(
    '%s is no method, in a form that no client repeats',
    async (path) => {
      const { status, json } = await post(path, {});
      expect([status, json.error]).toEqual([404, { code: 404, message: 'Method not found.', status: 'NOT_FOUND' }]);
    },
  );
});
