import { expect, it } from 'vitest';
import { nextTime } from './schedule-times.ts';

const at = (text: string) => Date.parse(text);
const next = (schedule: string, from: string, timeZone?: string) =>
  new Date(nextTime({ schedule, timeZone }, at(from))).toISOString();

it('counts in its time zone, over the changes of the clock', () => {
  expect(next('0 3 * * *', '2026-01-10T12:00:00Z')).toBe('2026-01-11T03:00:00.000Z');
  expect(next('0 3 * * *', '2026-01-10T12:00:00Z', 'Europe/Warsaw')).toBe('2026-01-11T02:00:00.000Z');
  expect(next('0 3 * * *', '2026-03-28T12:00:00Z', 'Europe/Warsaw')).toBe('2026-03-29T01:00:00.000Z');
  expect(next('*/15 9-17 * * 1-5', '2026-01-09T17:50:00Z')).toBe('2026-01-12T09:00:00.000Z');
});

it('is after the time that it is asked for', () => {
  expect(next('0 3 * * *', '2026-01-10T03:00:00Z')).toBe('2026-01-11T03:00:00.000Z');
});

it.each(['2026-05-01T00:00:00Z', '2020-01-01T00:00:00'])('takes no date, which comes once: %s', (schedule) => {
  expect(() => nextTime({ schedule }, 0)).toThrow('is no schedule');
});
