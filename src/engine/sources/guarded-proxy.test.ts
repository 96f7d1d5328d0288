import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GuardedProxy, withReason } from './guarded-proxy.ts';

it.each([
  ['localhost', 'localhost:443', true],
  ['localhost', 'localhost:22', true],
  ['localhost', 'localhost:9418', true],
  ['localhost', 'localhost:8443', false],
  ['localhost:443', 'localhost:443', true],
  ['localhost:8443', 'localhost:8443', true],
  ['localhost:8443', 'localhost:443', false],
  ['127.0.0.1', '127.0.0.1:443', true],
  ['127.0.0.1:8443', '127.0.0.1:443', false],
  ['git.lab', 'localhost:443', false],
])('with %s in the settings, a tunnel to the inner address %s: %s', async (named, address, expected) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-proxy-'));
  const rules = { allowAddress: () => false, isNamed: (host: string) => host === named };
  const proxy = await GuardedProxy.listen(join(folder, 's'), rules);
  const client = connect(join(folder, 's'));
  client.write(`CONNECT ${address} HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
  await once(client, 'data'); // connected, or refused by this machine or by the rules
  expect(proxy.refusal?.includes('makes no connections there') ?? false).toBe(!expected);
  client.destroy();
  await proxy.close();
  await rm(folder, { recursive: true });
});

const tunnel = "fatal: unable to access 'https://git.lab/x.git/': CONNECT tunnel failed, response 502";
const plain = "fatal: unable to access 'http://git.lab/x.git/': The requested URL returned error: 502";

it.each([
  [tunnel, 'getaddrinfo ENOTFOUND git.lab', /x\.git\/': Could not resolve host: git\.lab$/],
  [plain, 'getaddrinfo EAI_AGAIN git.lab', /x\.git\/': Could not resolve host: git\.lab$/],
  [tunnel, 'connect ECONNREFUSED 192.0.2.1:443', /x\.git\/': connect ECONNREFUSED 192\.0\.2\.1:443$/],
  [tunnel, undefined, /response 502$/],
  ['fatal: repository not found', 'connect ECONNREFUSED 192.0.2.1:443', /^fatal: repository not found$/],
])('tells why the proxy had no way on: %s, %s', (said, refusal, expected) => {
  expect(withReason(said, refusal)).toMatch(expected);
});
