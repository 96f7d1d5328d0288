import { expect, test } from 'vitest';
import { signalNumber } from './signals.ts';

test.each([
  ['SIGTERM', 15],
  ['term', 15],
  ['9', 9],
  ['SIGRTMIN+3', 37],
  ['rtmax-1', 63],
  ['64', 64],
])('%s is signal %d', (text, number) => expect(signalNumber(text)).toBe(number));

test.each(['', 'SIGNOSUCH', '0', '65', '-9', 'RTMIN+31', 'RTMIN+', '1.5'])('%j is none', (text) => {
  expect(() => signalNumber(text)).toThrow(`Invalid signal: ${text}`);
});
