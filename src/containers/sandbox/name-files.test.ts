import { expect, test } from 'vitest';
import { hostsFile, isLoopback, nameserversOf, resolvConfOf, resolvConfWith } from './name-files.ts';
import { sortNameservers } from './nameservers.ts';

const text =
  '# made by hand\nnameserver 127.0.0.53\nnameserver 10.1.1.1 # office\nsearch corp.example\noptions ndots:2\n';

test('nameservers are replaced; search domains and options stay', () => {
  expect(nameserversOf(text)).toEqual(['127.0.0.53', '10.1.1.1']);
  expect(resolvConfWith(text, ['10.1.1.1'])).toBe('nameserver 10.1.1.1\nsearch corp.example\noptions ndots:2\n');
});

test('what somebody asks for takes the place of what would be there, and the rest stays', () => {
  const asked = { servers: ['9.9.9.9', '1.1.1.1'], search: [], options: ['timeout:1', 'rotate'] };
  const otherwise = 'nameserver 10.1.1.1\nsearch corp.example\noptions ndots:2\n';
  expect(resolvConfOf(asked, otherwise)).toBe(
    'search corp.example\nnameserver 9.9.9.9\nnameserver 1.1.1.1\noptions timeout:1 rotate\n',
  );
  expect(resolvConfOf({ servers: [], search: [], options: [] }, otherwise)).toContain('nameserver 10.1.1.1\n');
});

test('a nameserver that only this machine reaches is relayed', () => {
  const own = new Set(['192.0.2.2']);
  expect(sortNameservers(['127.0.0.53', '192.0.2.2', 'fd00::53', '10.1.1.1'], own)).toEqual({
    direct: ['10.1.1.1'],
    relayed: ['127.0.0.53', '192.0.2.2', 'fd00::53'],
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['10.127.0.1', false],
])('%s is loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

test('hosts has localhost, extra lines with addresses of both kinds, and the container itself', () => {
  const hosts = hostsFile({ hostname: 'box', address: '10.213.0.2', extraHosts: ['db:10.0.0.5', 'six:fe80::1'] });
  expect(hosts.split('\n')[0]).toBe('127.0.0.1\tlocalhost');
  expect(hosts.endsWith('10.0.0.5\tdb\nfe80::1\tsix\n10.213.0.2\tbox\n')).toBe(true);
});
