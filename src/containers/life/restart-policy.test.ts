import { expect, it, vi } from 'vitest';
import { startsAgain, startsWithServer } from './restart-policy.ts';
import { RestartTimer } from './restart-timer.ts';

const ended = { exitCode: 1, stoppedByHand: false, restarts: 0 };

it.each([
  ['no', 0, ended, false],
  ['always', 0, { ...ended, exitCode: 0 }, true],
  ['always', 0, { ...ended, stoppedByHand: true }, false],
  ['unless-stopped', 0, ended, true],
  ['on-failure', 0, ended, true],
  ['on-failure', 0, { ...ended, exitCode: 0 }, false],
  ['on-failure', 2, { ...ended, restarts: 1 }, true],
  ['on-failure', 2, { ...ended, restarts: 2 }, false],
] as const)('%s:%i after %j starts again: %s', (policy, retries, run, again) => {
  expect(startsAgain({ policy, retries }, run)).toBe(again);
});

it('starts with the server what somebody stopped only if it is always to run', () => {
  const stopped = { ...ended, stoppedByHand: true };
  expect(startsWithServer({ policy: 'always', retries: 0 }, stopped)).toBe(true);
  expect(startsWithServer({ policy: 'unless-stopped', retries: 0 }, stopped)).toBe(false);
});

it('waits longer each time, a minute at most, and begins anew after a run of ten seconds', () => {
  vi.useFakeTimers();
  try {
    const timer = new RestartTimer();
    const waited = (lasted: number) => {
      const before = Date.now();
      let started = 0;
      timer.set(lasted, () => {
        started = Date.now() - before;
      });
      vi.runAllTimers();
      return started;
    };
    expect([0, 0, 0].map(waited)).toEqual([100, 200, 400]);
    for (let i = 0; i < 20; i++) waited(5);
    expect(waited(5)).toBe(60_000);
    expect(waited(10_000)).toBe(100);
    timer.set(0, () => expect.unreachable());
    expect([timer.isSet, timer.cancel(), timer.cancel()]).toEqual([true, true, false]);
    vi.runAllTimers();
  } finally {
    vi.useRealTimers();
  }
});
