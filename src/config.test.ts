import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { Problem, renderProblem } from './lib/problem.ts';

describe('slipway.yaml', () => {
  it('is complete when empty', () => {
    const config = parseConfig('', 'slipway.yaml');
    expect(config.listen).toBe('127.0.0.1:7070');
    expect(config.registries.own).toEqual(['*-docker.pkg.dev']);
    expect(config.auth).toBe('token');
  });

  it('names file, line and column of an unknown setting', () => {
    const text = 'listen: 127.0.0.1:1\nbuilds:\n  concurency: 3\n';
    expect(() => parseConfig(text, 'slipway.yaml')).toThrow(Problem);
    try {
      parseConfig(text, 'slipway.yaml');
    } catch (error) {
      const shown = renderProblem(error as Problem);
      expect(shown).toContain('unknown setting builds.concurency');
      expect(shown).toMatch(/:\d+:3$/m);
      expect(shown).toContain('slipway.yaml:3:');
      expect(shown).toContain('>>> 3 |   concurency: 3');
    }
  });

  it('refuses a wrong value where it stands', () => {
    expect(() => parseConfig('builds:\n  concurrency: 0\n', 'f')).toThrow(/builds\.concurrency/);
    expect(() => parseConfig('listen: [\n', 'f')).toThrow(/slipway\.yaml/);
  });
});
