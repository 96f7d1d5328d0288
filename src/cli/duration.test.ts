import { expect, it } from 'vitest';
import { durationMs } from './duration.ts';

it.each<[string, number]>([
  ['5s', 5000],
  ['90m', 5_400_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
])('%s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

it.each(['', '5', 'm', '1.5h', '-1h', '3x', '1h30m'])('refuses %j with examples', (text) => {
  expect(() => durationMs(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining('12h') }));
});
