import { afterEach, expect, it, vi } from 'vitest';
import type { NewDelivery } from './inbox.ts';
import { TriggerSchedules } from './run-schedules.ts';
import type { TriggerFields } from './trigger.ts';

const HOUR = 60 * 60 * 1000;
const MIDNIGHT = Date.parse('2026-05-01T00:00:00Z');

let schedules: TriggerSchedules | undefined;
afterEach(async () => {
  await schedules?.close();
  vi.useRealTimers();
});

/** @param last until when it has been looked after */
function open(fields: TriggerFields, last?: number) {
  vi.useFakeTimers({ now: MIDNIGHT + HOUR });
  const times = new Map<string, number>(last === undefined ? [] : [['i', last]]);
  const taken: NewDelivery[] = [];
  const trigger = { build: {}, ...fields, name: 't', id: 'i', createTime: '', resourceName: '' };
  schedules = new TriggerSchedules({
    triggers: { scheduled: async () => [{ trigger, project: 'p', location: 'eu' }] },
    times: { get: async (id) => times.get(id), set: async (id, at) => void times.set(id, at) },
    queue: {
      take: async (delivery) => {
        taken.push(delivery);
        return undefined;
      },
    },
    clock: { now: () => Date.now() },
  });
  return { taken, times, trigger, schedules };
}

const NIGHTLY = { cron: { schedule: '0 3 * * *' } };

it('starts at its times, again and again', async () => {
  const { taken } = open(NIGHTLY);
  await vi.advanceTimersByTimeAsync(2 * HOUR - 1000);
  expect(taken).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(taken).toMatchObject([{ source: 'p/i', kind: 'cron', body: JSON.stringify({ at: MIDNIGHT + 3 * HOUR }) }]);
  await vi.advanceTimersByTimeAsync(48 * HOUR);
  expect(taken.map(({ key }) => key)).toEqual([0, 1, 2].map((day) => `cron ${MIDNIGHT + (3 + 24 * day) * HOUR}`));
});

it('makes up for missed times by one', async () => {
  const { taken } = open(NIGHTLY, MIDNIGHT - 100 * HOUR);
  await vi.advanceTimersByTimeAsync(10);
  expect(taken).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(taken).toHaveLength(2);
});

it('rests while the trigger is off', async () => {
  const { taken } = open({ ...NIGHTLY, disabled: true }, MIDNIGHT - 100 * HOUR);
  await vi.advanceTimersByTimeAsync(100 * HOUR);
  expect(taken).toEqual([]);
});

it('goes on with the others when one of them fails', async () => {
  const { taken, trigger, schedules } = open(NIGHTLY);
  await schedules.close();
  const broken = { ...trigger, id: 'b', cron: { schedule: '0 0 30 2 *' } };
  const again = new TriggerSchedules({
    triggers: {
      scheduled: async () => [broken, trigger].map((each) => ({ trigger: each, project: 'p', location: 'eu' })),
    },
    times: { get: async () => MIDNIGHT - 100 * HOUR, set: async () => undefined },
    queue: { take: async (delivery) => void taken.push(delivery) },
    clock: { now: () => Date.now() },
  });
  await vi.advanceTimersByTimeAsync(10);
  await again.close();
  expect(taken.map(({ source }) => source)).toEqual(['p/i']);
});
