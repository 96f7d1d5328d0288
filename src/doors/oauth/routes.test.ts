import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../../lib/problem.ts';
import { oauthDoor } from './routes.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('the token endpoint', () => {
  let url: string;
  let close: () => void;
  beforeEach(async () => {
    const server = createServer(
      oauthDoor({
        exchange: async (assertion) => {
          if (assertion === 'broken') throw new Error('a bug, with details that nobody outside should read');
          if (assertion !== 'good') throw new Problem('unauthenticated', 'the assertion is not accepted: forged');
          return { token: 'access', expiresIn: 3600 };
        },
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () => server.close();
  });
  afterEach(() => close());

  const ask = async (form: Record<string, string>, path = '/oauth2/token', method = 'POST') => {
    const body = method === 'POST' ? new URLSearchParams(form) : null;
    const answer = await fetch(url + path, { method, body });
    return {
      status: answer.status,
      cache: answer.headers.get('cache-control'),
      json: (await answer.json()) as Record<string, unknown>,
    };
  };

  it.each(['/oauth2/token', '/token', '/oauth2/v4/token'])(
    'gives an access token for an assertion at %s',
    async (path) => {
      expect(await ask({ grant_type: GRANT, assertion: 'good' }, path)).toEqual({
        status: 200,
        cache: 'no-store',
        json: { access_token: 'access', expires_in: 3600, token_type: 'Bearer' },
      });
    },
  );

  it.each<[string, number, Record<string, string>]>([
    ['invalid_grant', 400, { grant_type: GRANT, assertion: 'forged' }],
    ['invalid_request', 400, { grant_type: GRANT }],
    ['unsupported_grant_type', 400, { grant_type: 'password', username: 'a', password: 'b' }],
    ['unsupported_grant_type', 400, {}],
    ['invalid_request', 400, { grant_type: GRANT, assertion: 'x'.repeat(100_000) }],
    ['server_error', 500, { grant_type: GRANT, assertion: 'broken' }],
  ])('says %s with %i in the form that OAuth clients read', async (error, status, form) => {
    const answer = await ask(form);
    expect(answer).toMatchObject({ status, json: { error } });
    expect(answer.json.error_description).not.toContain('details');
  });

  it('knows no other path and no other method', async () => {
    expect(await ask({}, '/oauth2/other')).toMatchObject({ status: 404 });
    expect(await ask({}, '/token', 'GET')).toMatchObject({ status: 405 });
  });
});
