import { describe, expect, it } from 'vitest';
import { Wildcard } from './wildcard.ts';

describe('gsutil', () => {
  it.each<[pattern: string, path: string, matches: boolean]>([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'a/b.txt', false],
    ['**.txt', 'a/b.txt', true],
    ['a/**/c', 'a/b/b/c', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a]', '/', false],
    ['[.-0]', '/', false],
    ['[.-0]', '0', true],
    ['[]]', ']', true],
    ['[open', '[open', true],
    ['a.c', 'abc', false],
  ])('%s and %s: %s', (pattern, path, matches) => {
    expect(Wildcard.gsutil(pattern).test(path)).toBe(matches);
  });
});

it('takes no longer for a pattern that would make a backtracking matcher hang', () => {
  const pattern = `${'*a'.repeat(40)}b`;
  expect(Wildcard.gsutil(pattern).test('a'.repeat(2000))).toBe(false);
  expect(Wildcard.gcloudignore(pattern).test('a'.repeat(2000))).toBe(false);
});
