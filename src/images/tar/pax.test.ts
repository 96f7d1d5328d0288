import { expect, it } from 'vitest';
import { decodePax, encodePax, formatPaxTime, parsePaxTime } from './pax.ts';

it.each([
  ['0', 0, 0],
  ['1700000000.5', 1_700_000_000, 500_000_000],
  ['1700000000.000000001', 1_700_000_000, 1],
  ['-0.5', -1, 500_000_000],
  ['-1.25', -2, 750_000_000],
  ['-3', -3, 0],
])('reads and writes the time %s', (text, seconds, nanos) => {
  expect(parsePaxTime(text)).toEqual({ seconds, nanos });
  expect(formatPaxTime(seconds, nanos)).toBe(text);
});

it('counts the digits of a length into the length, at every border', () => {
  for (let size = 0; size < 1100; size++) {
    const value = Buffer.alloc(size, 0x0a);
    const bytes = encodePax(new Map([['k', value]]));
    expect(Number.parseInt(bytes.toString('latin1'), 10)).toBe(bytes.length);
    expect(decodePax(bytes).get('k')?.equals(value)).toBe(true);
  }
});

it.each(['5 a=b\n', '99 a=b\n', '6 ab\n', 'x a=b\n', '0 a=b\n'])('refuses the broken record %j', (text) => {
  expect(() => decodePax(Buffer.from(text))).toThrow('broken record');
});
