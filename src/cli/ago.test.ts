import { expect, it } from 'vitest';
import { ago } from './ago.ts';

const SECOND = 1000;
it.each<[number, string]>([
  [-5 * SECOND, '0 s ago'],
  [59 * SECOND, '59 s ago'],
  [60 * SECOND, '1 min ago'],
  [3599 * SECOND, '59 min ago'],
  [47 * 3600 * SECOND, '47 h ago'],
  [48 * 3600 * SECOND, '2 days ago'],
])('%d ms before', (before, text) => {
  expect(ago(1e12 - before, 1e12)).toBe(text);
});
