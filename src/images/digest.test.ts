import { expect, it } from 'vitest';
import { Digester, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest, shortDigest } from './digest.ts';

it('measures bytes as they pass', () => {
  const digester = new Digester();
  for (const part of ['he', '', 'llo']) digester.update(Buffer.from(part));
  expect(digester.size).toBe(5);
  expect(digester.finish()).toBe(digestOf('hello'));
  expect(shortDigest(digestOf('hello'))).toBe('2cf24dba5fb0');
});

it('keeps sha512 apart', () => {
  const digest = digestOf('x', 'sha512');
  expect(digestAlgorithm(digest)).toBe('sha512');
  expect(digestHex(digest)).toHaveLength(128);
  expect(parseDigest(digest)).toBe(digest);
});

it.each([
  '',
  'sha256:',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}`,
  `md5:${'a'.repeat(32)}`,
  `sha512:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}\n`,
])('refuses %j', (text) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow('invalid digest');
});
