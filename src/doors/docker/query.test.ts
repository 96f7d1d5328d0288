import { describe, expect, it } from 'vitest';
import { DockerError } from './errors.ts';
import { agoOf, booleanOf, integerOf, momentOf } from './query.ts';

describe('a query', () => {
  const query = (value: string) => new URLSearchParams({ it: value });
  it.each([
    ['', false],
    ['0', false],
    ['False', false],
    ['no', false],
    ['1', true],
    ['true', true],
    ['whatever', true],
  ])('%j as a switch is %s', (text, value) => {
    expect(booleanOf(query(text), 'it')).toBe(value);
  });

  it('has numbers and times in docker’s notations', () => {
    expect(integerOf(query('-1'), 'it')).toBe(-1);
    expect(integerOf(query(''), 'it')).toBeUndefined();
    expect(() => integerOf(query('1x'), 'it')).toThrow(DockerError);
    expect(momentOf(query('12.5'), 'it')).toBe(12_500);
    expect(momentOf(query('2026-01-02T03:04:05Z'), 'it')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(momentOf(query('0'), 'it')).toBeUndefined();
    expect(() => momentOf(query('soon'), 'it')).toThrow(DockerError);
    expect(agoOf('1h30m', 10_000_000)).toBe(10_000_000 - 5_400_000);
    expect(agoOf('100', 0)).toBe(100_000);
  });
});
