import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Problem } from '../../lib/problem.ts';
import { verifyLogin } from './login.ts';

/** A registry that takes user `ann` with password `right`, by Basic or by a token service of its own. */
function registry(kind: 'basic' | 'token'): Server {
  const ann = `Basic ${Buffer.from('ann:right').toString('base64')}`;
  return createServer((request, response) => {
    const { authorization, host } = request.headers;
    if (request.url?.startsWith('/token')) {
      if (authorization !== ann) return response.writeHead(401).end('{"details":"incorrect username or password"}');
      return response.writeHead(200).end('{"token":"good","expires_in":60}');
    }
    const wanted = kind === 'basic' ? ann : 'Bearer good';
    const challenge = kind === 'basic' ? 'Basic realm="x"' : `Bearer realm="http://${host}/token",service="x"`;
    if (authorization !== wanted) return response.writeHead(401, { 'WWW-Authenticate': challenge }).end('{}');
    return response.writeHead(200).end('{}');
  });
}

const servers = { basic: registry('basic'), token: registry('token') };
const hostOf = (kind: keyof typeof servers) => `127.0.0.1:${(servers[kind].address() as AddressInfo).port}`;
const login = (kind: keyof typeof servers, password: string) =>
  verifyLogin({}, hostOf(kind), { username: 'ann', password }, new AbortController().signal);

beforeAll(async () => {
  for (const server of Object.values(servers))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  for (const server of Object.values(servers)) server.close();
});

it.each(['basic', 'token'] as const)('a registry with %s credentials takes the right ones', async (kind) => {
  await expect(login(kind, 'right')).resolves.toBeUndefined();
});

it('and says of wrong ones what docker says', async () => {
  const refused = async (kind: keyof typeof servers) => {
    const error: unknown = await login(kind, 'wrong').catch((thrown: unknown) => thrown);
    return error instanceof Problem ? [error.code, error.message] : error;
  };
  expect(await refused('basic')).toEqual([
    'unauthenticated',
    `login attempt to http://${hostOf('basic')}/v2/ failed with status: 401 Unauthorized`,
  ]);
  expect(await refused('token')).toEqual(['unauthenticated', 'unauthorized: incorrect username or password']);
});
