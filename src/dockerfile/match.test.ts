import { describe, expect, it } from 'vitest';
import { matchPath, PathPattern } from './match.ts';

describe('globs of COPY', () => {
  it.each<[pattern: string, name: string, matches: boolean]>([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'dir/a.txt', false],
    ['dir/*', 'dir/a', true],
    ['dir/*', 'dir/a/b', false],
    ['**', 'a/b', false],
    ['**', 'ab', true],
    ['requirements*.txt', 'requirements.txt', true],
    ['package[0-9].json', 'package7.json', true],
    ['package[0-9].json', 'package.json', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a[^x]c', 'abc', true],
    ['\\[a]', '[a]', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['', '', true],
    ['*', '', true],
  ])('%s matches %s: %s', (pattern, name, matches) => {
    expect(matchPath(pattern, name)).toBe(matches);
  });

  it('says what is wrong with a pattern', () => {
    expect(() => new PathPattern('a[b')).toThrow('syntax error in pattern: "a[b"');
  });
});
