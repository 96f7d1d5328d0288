import { expect, it } from 'vitest';
import type { ContainerRecord, ContainerState } from '../../../containers/container-record.ts';
import { statusOf } from './container-json.ts';
import { humanDuration } from './human-duration.ts';

const S = 1000;
const H = 3600 * S;

it.each([
  [0, 'Less than a second'],
  [S, '1 second'],
  [59 * S, '59 seconds'],
  [60 * S, 'About a minute'],
  [120 * S, '2 minutes'],
  [59 * 60 * S, '59 minutes'],
  [H, 'About an hour'],
  [1.6 * H, '2 hours'],
  [47 * H, '47 hours'],
  [3 * 24 * H, '3 days'],
  [15 * 24 * H, '2 weeks'],
  [90 * 24 * H, '3 months'],
  [800 * 24 * H, '2 years'],
])('%d ms is %s', (ms, words) => {
  expect(humanDuration(ms)).toBe(words);
});

it.each([
  [{ status: 'running' }, 'Up 5 minutes'],
  [{ status: 'paused' }, 'Up 5 minutes (Paused)'],
  [{ status: 'exited', exitCode: 137 }, 'Exited (137) 3 seconds ago'],
  [{ status: 'restarting', exitCode: 1 }, 'Restarting (1) 3 seconds ago'],
  [{ status: 'created' }, 'Created'],
] as [Partial<ContainerState>, string][])('%j is shown as %s', (state, shown) => {
  const now = 10 * 60 * S;
  const whole = { exitCode: 0, startedAt: 5 * 60 * S, finishedAt: now - 3 * S, ...state };
  expect(statusOf({ state: whole } as ContainerRecord, now)).toBe(shown);
});
