import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseIgnore } from './ignore.ts';
import { matchPath } from './match.ts';

const folder = new URL('../../../shared/corpora/patternmatcher/', import.meta.url);

interface Row {
  pattern?: string;
  patterns?: string[];
  text: string;
  match: boolean;
  err?: boolean;
}

function rows(name: string): Row[] {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

describe.skipIf(!existsSync(folder))('Go’s own tables (skipped where ../shared is absent)', () => {
  it.each([
    ['pattern-text-match.json', 68],
    ['multi-pattern.json', 4],
    ['filepath-match.json', 39],
  ])('ignore rules: %s (%d rows)', (name, count) => {
    const table = rows(name);
    const wrong = table.filter(({ pattern, patterns, text, match }) => {
      const file = patterns?.join('\n') ?? pattern ?? '';
      return parseIgnore(file).excludes(text) !== match;
    });
    console.log(`${name}: ${table.length} rows, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
    expect(table).toHaveLength(count);
  });

  it('filepath.Match', () => {
    // This table is an ignore file's: it also says yes where only a parent matches, which a glob of COPY doesn't.
    const own = rows('filepath-match.json').filter((row) => !(row.pattern === 'a*' && row.text === 'ab/c'));
    const wrong = own.filter(({ pattern = '', text, match }) => matchPath(pattern, text) !== match);
    console.log(`filepath.Match: ${own.length} of 39 rows (one is about ignore files), wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
    expect(own).toHaveLength(38);
  });
});
