import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';

const folder = new URL('../../../shared/corpora/buildkit-shell/', import.meta.url);
const absent = !existsSync(folder);

describe.skipIf(absent)('BuildKit’s own tables (skipped where ../shared is absent)', () => {
  it('envVarTest', () => {
    const env: Record<string, string> = { PWD: '/home', SHELL: 'bash', KOREAN: '한국어', NULL: '' };
    const wrong: string[] = [];
    let rows = 0;
    for (const line of readFileSync(new URL('envVarTest', folder), 'utf8').split('\n')) {
      const [platform = '', input = '', wanted] = line.split('|').map((part) => part.trim());
      if (line.startsWith('#') || wanted === undefined || platform === 'W') continue;
      rows++;
      let got: string;
      try {
        got = expand(input, (name) => env[name]).text;
      } catch {
        got = 'error';
      }
      if (got !== wanted) wrong.push(`${input}: ${got}, not ${wanted}`);
    }
    expect(wrong).toEqual([]);
    expect(rows).toBeGreaterThan(220);
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
      let got: string;
      try {
        got = expand(input, (name) => env[name]).words.join(',');
      } catch {
        got = 'error';
      }
      if (got.trim() !== wanted) wrong.push(`${input}: ${got}, not ${wanted}`);
    }
    expect(wrong).toEqual([]);
    expect(rows).toBe(24);
  });
});
