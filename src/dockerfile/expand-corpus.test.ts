import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';

const folder = new URL('../../../shared/corpora/buildkit-shell/', import.meta.url);
const absent = !existsSync(folder);

describe.skipIf(absent)('BuildKit’s own tables (skipped where ../shared is absent)', () => {
  it('envVarTest', () => {
    const env: Record<string, string> = { PWD: '/home', SHELL: 'bash', KOREAN: '한국어', NULL: '' };
    const wrong: string[] = [];
    const rows = { everywhere: 0, unix: 0, windows: 0 };
    for (const line of readFileSync(new URL('envVarTest', folder), 'utf8').split('\n')) {
      const [platform = '', input = '', wanted] = line.split('|').map((part) => part.trim());
      if (line.startsWith('#') || wanted === undefined) continue;
      rows[platform === 'A' ? 'everywhere' : platform === 'U' ? 'unix' : 'windows']++;
      // names have no case on Windows, which is the environment's affair and not the expander's
      const lookup = (name: string) => env[platform === 'W' ? name.toUpperCase() : name];
      const got = orError(() => expand(input, lookup).text);
      if (got !== wanted) wrong.push(`${input}: ${got}, not ${wanted}`);
    }
    console.log(`envVarTest: ${JSON.stringify(rows)}, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
    expect(rows).toEqual({ everywhere: 226, unix: 2, windows: 2 });
  });

  it('wordsTest', () => {
    const env: Record<string, string> = {};
    const wrong: string[] = [];
    let rows = 0;
    for (const line of readFileSync(new URL('wordsTest', folder), 'utf8').split('\n')) {
      if (line.startsWith('#') || line === '') continue;
      if (line.startsWith('ENV ')) {
        const equals = line.indexOf('=');
        env[line.slice(4, equals)] = line.slice(equals + 1);
        continue;
      }
      rows++;
      const [input = '', wanted = ''] = line.split('|').map((part) => part.trim());
      const got = orError(() => expand(input, (name) => env[name]).words.join(','));
      if (got.trim() !== wanted) wrong.push(`${input}: ${got}, not ${wanted}`);
    }
    console.log(`wordsTest: ${rows} rows, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
    expect(rows).toBe(24);
  });
});

function orError(work: () => string): string {
  try {
    return work();
  } catch {
    return 'error';
  }
}
