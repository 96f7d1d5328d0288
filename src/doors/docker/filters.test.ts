import { describe, expect, it } from 'vitest';
import { DockerError } from './errors.ts';
import { Filters } from './filters.ts';

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
