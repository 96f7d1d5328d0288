import { expect, it } from 'vitest';
import { sourceDate, sourceDateNs } from './source-date.ts';

it('reads whole seconds', () => {
  expect(sourceDate({ SOURCE_DATE_EPOCH: '1700000000' })).toBe(1_700_000_000_000);
  expect(sourceDate({ SOURCE_DATE_EPOCH: '0' })).toBe(0);
  expect(sourceDateNs({ SOURCE_DATE_EPOCH: '1' })).toBe(1_000_000_000n);
});

it('is off when absent or empty', () => {
  expect(sourceDate({})).toBeUndefined();
  expect(sourceDate({ SOURCE_DATE_EPOCH: '' })).toBeUndefined();
});

it.each(['yesterday', '-1', '1.5', '1e9', '999999999999', ' 1'])('refuses %s', (text) => {
  expect(() => sourceDate({ SOURCE_DATE_EPOCH: text })).toThrow('whole seconds since 1970');
});
