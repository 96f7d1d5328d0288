import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const DOCUMENTS = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'],
  ...markdownBelow('docs'),
  ...markdownBelow('src'),
];

function markdownBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

/** What a document claims to exist, and doesn't: paths of this repository, relative links, npm scripts, commands. */
function broken(text: string, folder: string, exists: (path: string) => boolean): string[] {
  const paths = [...text.matchAll(/(?<![\w./-])(?:src|test|docs|scripts|examples|bench|bin)\/[\w./-]*[\w/]/g)].map(
    ([path]) => path,
  );
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map((match) => join(folder, match[1] ?? ''));
  const scripts = [...text.matchAll(/npm (?:run ([\w:]+)|(test)\b)/g)].map((match) => match[1] ?? match[2] ?? '');
  return [
    // NNNN stands for a number
    ...[...paths, ...links].filter((path) => !path.includes('NNNN') && !exists(path)),
    ...scripts.filter((name) => !(name in PACKAGE.scripts)).map((name) => `npm run ${name}`),
  ];
}

const inRepository = (path: string) => existsSync(join(ROOT, path));

it.each(DOCUMENTS)('%s names nothing that is not there', (document) => {
  const folder = document.includes('/') ? document.slice(0, document.lastIndexOf('/')) : '';
  // a decision tells of its day; what was renamed since is no mistake of it
  const text = readFileSync(join(ROOT, document), 'utf8');
  expect(document.startsWith('docs/decisions/') ? [] : broken(text, folder, inRepository)).toEqual([]);
});

it('has every command of the README among the command groups', () => {
  const groups = join(ROOT, 'src/cli/command-groups');
  const table = readdirSync(groups)
    .map((file) => readFileSync(join(groups, file), 'utf8'))
    .join('');
  const named = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/bin\/slipway ([a-z]+)/g)];
  expect(named.length).toBeGreaterThan(2);
  for (const [, command] of named) expect(table).toMatch(new RegExp(`'${command}[ ']`));
});

it('describes every setting of slipway.yaml with its default', () => {
  const rows = [...readFileSync(join(ROOT, 'docs/slipway-yaml.md'), 'utf8').matchAll(/^\| `([\w.]+)` \| `(.*?)` \|/gm)];
  const described = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  const defaults = Object.fromEntries(settings(parseConfig('', 'slipway.yaml')));
  // what is made of another setting, or of the machine
  expect(described['publicUrl']).toBe('http://<listen>');
  expect(described['builds.concurrency']).toBe('<processors, 2 to 64>');
  for (const name of ['publicUrl', 'builds.concurrency']) for (const each of [described, defaults]) delete each[name];
  expect(described).toEqual(defaults);
});

function settings(value: object, before = ''): [name: string, text: string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const name = `${before}${key}`;
    const group = typeof inner === 'object' && !Array.isArray(inner) && Object.keys(inner as object).length > 0;
    return group
      ? settings(inner as object, `${name}.`)
      : [[name, typeof inner === 'string' ? inner : JSON.stringify(inner)]];
  });
}

describe('a planted mistake is found', () => {
  it.each([
    ['a path', 'see `src/gone.ts`.', 'src/gone.ts'],
    ['a folder', 'in src/gone/ there', 'src/gone/'],
    ['a link', '[x](gone.md)', 'docs/gone.md'],
    ['a script', 'run `npm run gone`', 'npm run gone'],
  ])('%s', (_, text, found) => {
    expect(broken(text, 'docs', () => false)).toEqual([found]);
  });

  it('and what is right is let through', () => {
    const text = 'src/cli/main.ts, `npm test`, npm run check, [a](../README.md), https://example.org/src/x.ts';
    expect(broken(text, 'docs', inRepository)).toEqual([]);
  });
});
