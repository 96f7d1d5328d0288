import { describe, expect, it } from 'vitest';
import { Problem } from '../lib/problem.ts';
import { parseIgnore } from './ignore.ts';

/** Rules (one per element), a path, and whether it is kept out. */
const TABLE: [rules: string[], path: string, excluded: boolean][] = [
  [['node_modules'], 'node_modules', true],
  [['node_modules'], 'node_modules/left-pad/index.js', true],
  [['node_modules'], 'app/node_modules/x', false],
  [['**/node_modules'], 'app/node_modules/x', true],
  [['**/node_modules'], 'node_modules/x', true],
  [['**/node_modules'], 'old_node_modules', false],
  [['node_modules/'], 'node_modules/x', true],
  [['/node_modules'], 'node_modules/x', true],
  [['./build'], 'build/x', true],
  [['a/../b'], 'b', true],
  [['*.log'], 'error.log', true],
  [['*.log'], 'logs/error.log', false],
  [['**/*.log'], 'logs/old/error.log', true],
  [['**/*.log'], 'error.log', true],
  [['*'], 'a', true],
  [['*'], 'a/b/c', true],
  [['*/'], 'a/b', true],
  [['*/*.pem'], 'keys/id.pem', true],
  [['*/*.pem'], 'id.pem', false],
  [['*/*.pem'], 'a/keys/id.pem', false],
  [['?.txt'], 'a.txt', true],
  [['?.txt'], 'ab.txt', false],
  [['?.txt'], '☃.txt', true],
  [['[a-c].txt'], 'b.txt', true],
  [['[^a-c].txt'], 'b.txt', false],
  [['[^a-c].txt'], 'd.txt', true],
  [['a\\*b'], 'a*b', true],
  [['a\\*b'], 'axb', false],
  [['file.txt'], 'filextxt', false],
  [['a(b)+.txt'], 'a(b)+.txt', true],
  [['docs/**'], 'docs', false],
  [['docs/**'], 'docs/a/b', true],
  [['docs/**/*.md'], 'docs/a/b/c.md', true],
  [['docs/**/*.md'], 'docs/c.md', true],
  [['docs/**/*.md'], 'docs/c.txt', false],
  [['a**/x'], 'abc/x', true],
  [['a**/x'], 'a/b/c/x', true],
  [['**'], 'anything/at/all', true],
  [['**', '!src'], 'src/main.ts', false],
  [['**', '!src'], 'other/main.ts', true],
  [['*', '!src/keep.ts'], 'src/keep.ts', false],
  [['*', '!src/keep.ts'], 'src/drop.ts', true],
  [['!README.md', '*.md'], 'README.md', true],
  [['*.md', '!README.md'], 'README.md', false],
  [['*.md', '!README*.md', 'README-secret.md'], 'README-secret.md', true],
  [['*.md', '!README*.md', 'README-secret.md'], 'README-public.md', false],
  [['a', '!a/b', 'a/b/c'], 'a/b/c', true],
  [['a', '!a/b', 'a/b/c'], 'a/b/d', false],
  [['# node_modules'], 'node_modules', false],
  [['  # odd'], '# odd', true],
  [['  padded  '], 'padded', true],
  [['! kept', 'x'], 'x', true],
  [['\uFEFFfirst'], 'first', true],
  [['crlf\r', 'other'], 'crlf', true],
  [['', '   '], 'a', false],
  [['Dockerfile', '.dockerignore'], 'Dockerfile', true],
  [['.git'], '.gitignore', false],
  [['**/.env*'], 'deploy/.env.local', true],
  [['**name'], 'myname', true],
  [['żółw/*'], 'żółw/a', true],
];

describe('.dockerignore', () => {
  it.each(TABLE)('%j: %s is excluded: %s', (rules, path, excluded) => {
    expect(parseIgnore(rules.join('\n')).excludes(path)).toBe(excluded);
  });

  it('names the rule that decided', () => {
    const ignore = parseIgnore('# all\n*\n!src\n  src/**/*.test.ts\n');
    expect(ignore.ruleFor('src/a.test.ts')).toEqual({ line: 4, text: 'src/**/*.test.ts' });
    expect(ignore.ruleFor('docs/a')).toEqual({ line: 2, text: '*' });
    expect(ignore.ruleFor('src/a.ts')).toEqual({ line: 3, text: '!src' });
    expect(parseIgnore('x').ruleFor('y')).toBeUndefined();
  });

  it.each<[rules: string[], folder: string, may: boolean]>([
    [['node_modules'], 'node_modules', false],
    [['*', '!src/keep.ts'], 'src', true],
    [['*', '!src/keep.ts'], 'docs', false],
    [['*', '!src/a/b/keep.ts'], 'src/a', true],
    [['*', '!src/a/b/keep.ts'], 'src/b', false],
    [['*', '!**/keep.ts'], 'anything', true],
    [['*', '!*/keep.ts'], 'a', true],
    [['*', '!*/keep.ts'], 'a/b', false],
    [['!a/keep', 'a'], 'a', false],
    [['*', '!srcs/x'], 'src', false],
    [['other'], 'src', true],
  ])('%j: a walk of excluded %s is worth it: %s', (rules, folder, may) => {
    expect(parseIgnore(rules.join('\n')).mayReinclude(folder)).toBe(may);
  });

  it.each([
    ['a\n!', 'illegal exclusion pattern'],
    ['a[', 'syntax error in pattern'],
    ['[]a]', 'syntax error in pattern'],
    ['[a-]', 'syntax error in pattern'],
    ['x\\', 'syntax error in pattern'],
  ])('refuses %j, with the line', (text, message) => {
    try {
      parseIgnore(text, 'app.dockerignore');
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      expect(error.message).toContain(message);
      expect(error.place).toMatchObject({ file: 'app.dockerignore', ranges: [{ line: text.split('\n').length }] });
    }
  });

  it('is not slowed down by a pattern full of stars', () => {
    const started = performance.now();
    expect(parseIgnore('**/*a*a*a*a*a*a*a*a*a*a*b?').excludes(`${'a/'.repeat(40)}${'a'.repeat(200)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
