import { expect, it } from 'vitest';
import { withReason } from './guarded-proxy.ts';

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
