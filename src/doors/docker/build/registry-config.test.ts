import { expect, it } from 'vitest';
import { registryConfig } from './registry-config.ts';

const header = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

it('gives the login of a host, under each of its names', async () => {
  const logins = registryConfig(
    header({
      'https://index.docker.io/v1/': { username: 'hub', password: 'p', serveraddress: 'x' },
      'localhost:5000': { auth: Buffer.from('a:b:c').toString('base64') },
      'https://gitlab.example/v2': { username: '<token>', identitytoken: 'refresh' },
      empty: {},
    }),
  );
  expect(await logins?.('docker.io')).toEqual({ username: 'hub', password: 'p' });
  expect(await logins?.('localhost:5000')).toEqual({ username: 'a', password: 'b:c' });
  expect(await logins?.('gitlab.example')).toEqual({ username: '<token>', password: 'refresh' });
  expect(await logins?.('empty')).toBeUndefined();
});

it.each([undefined, '', 'e30=', 'e30', 'no json', header([]), header(null)])('has none in %j', (value) => {
  expect(registryConfig(value)).toBeUndefined();
});
