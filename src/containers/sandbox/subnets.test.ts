import { expect, test } from 'vitest';
import { addressIn, formatRange, overlaps, parseRange, subnetAt } from './subnets.ts';

test('ranges are cut into /24 in order, over several ranges, to the last one', () => {
  const ranges = ['10.213.254.0/23', '192.168.7.9/24'].map(parseRange);
  const all = [0, 1, 2, 3].map((index) => subnetAt(ranges, index));
  expect(all.map((range) => range && formatRange(range))).toEqual([
    '10.213.254.0/24',
    '10.213.255.0/24',
    '192.168.7.0/24',
    undefined,
  ]);
});

test('addresses count from the start of the network, also in the upper half of the address space', () => {
  expect(addressIn(parseRange('192.168.255.0/24'), 1)).toBe('192.168.255.1');
  expect(addressIn(parseRange('223.255.255.0/24'), 254)).toBe('223.255.255.254');
});

test.each([
  ['10.213.3.0/24', '10.213.0.0/16', true],
  ['10.0.0.0/8', '10.213.3.0/24', true],
  ['10.213.3.1/32', '10.213.3.0/24', true],
  ['10.213.2.0/24', '10.213.3.0/24', false],
  ['192.0.2.0/24', '10.213.3.0/24', false],
])('%s and %s overlap: %s', (a, b, expected) => {
  expect(overlaps(parseRange(a), parseRange(b))).toBe(expected);
});

test.each(['', '10.0.0', '10.0.0.256/24', '10.0.0.0/33', 'fe80::/10'])('"%s" is refused', (text) => {
  expect(() => parseRange(text)).toThrow(/not an IPv4/);
});
