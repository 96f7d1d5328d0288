import { describe, expect, it } from 'vitest';
import { splitVersion } from './api-version.ts';
import { DockerError } from './errors.ts';
import { Filters } from './filters.ts';
import { agoOf, booleanOf, integerOf, momentOf } from './query.ts';

const filters = (value: unknown) =>
  Filters.of(new URLSearchParams({ filters: typeof value === 'string' ? value : JSON.stringify(value) }), [
    'label',
    'name',
    'dangling',
  ]);

describe('filters', () => {
  it.each([[{ name: { a: true, b: true, c: false } }], [{ name: ['a', 'b'] }]])('in both forms: %j', (value) => {
    expect(filters(value).get('name')).toEqual(['a', 'b']);
  });

  it('of labels have to fit all', () => {
    const asked = filters({ label: ['a', 'b=2'] });
    expect(asked.fitsLabels({ a: '1', b: '2' })).toBe(true);
    expect(asked.fitsLabels({ a: '1', b: '3' })).toBe(false);
    expect(asked.fitsLabels({ toString: '1' })).toBe(false);
  });

  it.each([['x'], ['[]'], [{ bad: ['x'] }], [{ name: 7 }]])('%j are refused', (value) => {
    expect(() => filters(value)).toThrow(DockerError);
  });

  it('that are yes or no', () => {
    expect(filters({ dangling: ['true'] }).boolean('dangling')).toBe(true);
    expect(filters({ dangling: { '0': true } }).boolean('dangling')).toBe(false);
    expect(filters({}).boolean('dangling')).toBeUndefined();
    expect(() => filters({ dangling: ['perhaps'] }).boolean('dangling')).toThrow(DockerError);
  });
});

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

describe('the version in front of a path', () => {
  it.each([
    ['/v1.41/containers/json', 41, '/containers/json'],
    ['/v1.24/info', 24, '/info'],
    ['/info', 43, '/info'],
    ['/v1.x/info', 43, '/v1.x/info'],
  ])('%s', (path, version, rest) => {
    expect(splitVersion(path)).toEqual({ version, rest });
  });

  it('is refused in dockerd’s words', () => {
    expect(() => splitVersion('/v1.44/info')).toThrow(
      'client version 1.44 is too new. Maximum supported API version is 1.43',
    );
    expect(() => splitVersion('/v1.12/info')).toThrow(
      'client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    );
  });
});
