import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Identity } from '../../auth/identity.ts';
import type { SecretStore } from '../../stores/secrets/secrets.ts';
import { secretManagerHandler } from './server.ts';

const grants = [{ role: 'writer', project: 'p1' } as const];
const IDENTITIES: Record<string, Identity> = {
  writer: { kind: 'token', name: 'w', grants },
  build: { kind: 'build', name: 'build b', grants },
  reader: { kind: 'token', name: 'r', grants: [{ role: 'reader', project: 'p1' }] },
  stranger: { kind: 'token', name: 's', grants: [{ role: 'writer', project: 'p2' }] },
};
const SECRET = '/v1/projects/p1/secrets/key';
const CHANGES: [method: string, path: string, body?: object][] = [
  ['POST', '/v1/projects/p1/secrets?secretId=key', {}],
  ['POST', `${SECRET}:addVersion`, { payload: { data: 'eA==' } }],
  ['POST', `${SECRET}/versions/1:disable`],
  ['POST', `${SECRET}/versions/1:destroy`],
  ['DELETE', SECRET],
];

let server: Server;
let called: string[];

beforeEach(async () => {
  called = [];
  const version = { project: 'p1', secret: 'key', version: 1, state: 'ENABLED', createTime: '' };
  const answers: Record<string, unknown> = {
    create: { ...version, labels: {} },
    addVersion: version,
    setState: version,
    remove: true,
    access: { version: 1, payload: 'eA==' },
  };
  const secrets = new Proxy({} as SecretStore, {
    get: (_, name: string) => async () => {
      if (name in answers) called.push(name);
      return name === 'versions' ? [version] : answers[name];
    },
  });
  const handler = await secretManagerHandler({
    authenticator: { verify: async (secret) => IDENTITIES[secret] },
    requireToken: true,
    secrets,
    projectId: async (text) => text,
  });
  server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function ask(token: string, method: string, path: string, body?: object): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

it('secrets change by those who write the project, and by no token of a build', async () => {
  for (const token of ['build', 'reader', 'stranger'])
    for (const change of CHANGES) expect(await ask(token, ...change), `${token} ${change[1]}`).toBe(403);
  expect(called).toEqual([]);
  for (const change of CHANGES) expect(await ask('writer', ...change), change[1]).toBe(200);
  expect(called).toEqual(['create', 'addVersion', 'setState', 'setState', 'remove']);
});

it.each([
  ['build', 200],
  ['reader', 403],
  ['stranger', 403],
])('%s gets %i for a value', async (token, status) => {
  expect(await ask(token, 'GET', `${SECRET}/versions/latest:access`)).toBe(status);
});
