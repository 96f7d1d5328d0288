import { expect, it } from 'vitest';
import { ClockWatch } from './clock-watch.ts';

it('notices that a clock was set, either way, and nothing else', () => {
  let [now, passed] = [1_000_000, 0];
  const watch = new ClockWatch({ clock: { now: () => now }, elapsed: () => passed });
  const pass = (ms: number, jump = 0) => {
    passed += ms;
    now += ms + jump;
  };
  const hour = 60 * 60 * 1000;
  pass(1000 * hour);
  expect(watch.evenFor()).toBe(Number.POSITIVE_INFINITY);
  pass(hour, 2000); // as NTP does it
  expect(watch.evenFor()).toBe(Number.POSITIVE_INFINITY);
  pass(hour, 365 * 24 * hour);
  expect(watch.evenFor()).toBe(0);
  pass(hour);
  expect(watch.evenFor()).toBe(hour);
  pass(hour, -366 * 24 * hour);
  expect(watch.evenFor()).toBe(0);
  pass(3 * hour);
  expect(watch.evenFor()).toBe(3 * hour);
});

it('adds small steps up, so that many of them are noticed as one', () => {
  let [now, passed] = [0, 0];
  const watch = new ClockWatch({ clock: { now: () => now }, elapsed: () => passed });
  for (let i = 0; i < 4; i++) {
    now += 120_000;
    watch.evenFor();
  }
  passed += 1;
  now += 1;
  expect(watch.evenFor()).toBeLessThan(10);
});
