import { expect, it } from 'vitest';
import { endpointsOf, isLoopback, repositoryUrl } from './hosts.ts';

it('speaks plain HTTP to loopback and to configured hosts only', () => {
  const origin = (host: string) => endpointsOf({ plainHttp: ['lab:5000'] }, host)[0]?.origin;
  expect(origin('localhost:5000')).toBe('http://localhost:5000');
  expect(origin('127.3.2.1')).toBe('http://127.3.2.1');
  expect(origin('[::1]:5000')).toBe('http://[::1]:5000');
  expect(origin('lab:5000')).toBe('http://lab:5000');
  expect(origin('lab:5001')).toBe('https://lab:5001');
  expect(origin('gcr.io')).toBe('https://gcr.io');
});

it.each(['localhost.evil.com', '127.0.0.1.nip.io', '1270.0.0.1', '10.0.0.1', '[::2]:5000'])(
  'does not take %s for this machine',
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);

it('asks mirrors in their order, then Docker Hub under its real name', () => {
  const mirrors = { 'docker.io': ['http://127.0.0.1:5000', 'https://harbor.lab/hub/'] };
  const endpoints = endpointsOf({ mirrors }, 'docker.io');
  expect(endpoints.map((endpoint) => repositoryUrl(endpoint, 'library/python', 'manifests/3').href)).toEqual([
    'http://127.0.0.1:5000/v2/library/python/manifests/3?ns=docker.io',
    'https://harbor.lab/v2/hub/library/python/manifests/3?ns=docker.io',
    'https://registry-1.docker.io/v2/library/python/manifests/3',
  ]);
});

it('says which mirror is no address', () => {
  expect(() => endpointsOf({ mirrors: { 'docker.io': ['mirror:5000'] } }, 'docker.io')).toThrow(
    'mirror of docker.io: "mirror:5000"',
  );
});
