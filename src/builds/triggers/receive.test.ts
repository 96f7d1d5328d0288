import { expect, it } from 'vitest';
import type { GitLabConnections } from '../gitlab/gitlab-connections.ts';
import type { ConnectionStore } from './connection.ts';
import { WebhookReceiver } from './receive.ts';
import type { TriggerRecord, TriggerStore } from './triggers.ts';

const PLACE = { project: 'p', location: 'global' };

function open() {
  let now = 1_000_000;
  let value = 'right';
  const looks: number[] = [];
  const trigger = { id: 'i', name: 't', webhookConfig: { secret: 'projects/p/secrets/s/versions/latest' } };
  const receiver = new WebhookReceiver({
    triggers: { get: async () => ({ ...PLACE, trigger }) as TriggerRecord } as unknown as TriggerStore,
    connections: {} as ConnectionStore,
    gitlab: {
      secret: async () => {
        looks.push(now);
        return value;
      },
    } as unknown as GitLabConnections,
    queue: { accept: async () => ({ state: 'accepted' }) },
    clock: { now: () => now },
  });
  return {
    looks,
    call: (secret: string) => receiver.webhook(PLACE, 't', secret, {}, Buffer.alloc(0)).then(({ state }) => state),
    later: (ms: number) => {
      now += ms;
    },
    rotate: (text: string) => {
      value = text;
    },
  };
}

it('looks at a secret once a minute for those who guess, whatever they show', async () => {
  const { looks, call, later } = open();
  for (let i = 0; i < 11; i++) {
    await expect(call(`guess ${i}`)).rejects.toMatchObject({ code: 'denied' });
    later(6_500);
  }
  expect(looks).toHaveLength(2);
});

it('takes an old secret no more within seconds, and a new one within a minute', async () => {
  const { call, later, rotate } = open();
  expect(await call('right')).toBe('accepted');
  rotate('new');
  later(6_000);
  await expect(call('right')).rejects.toMatchObject({ code: 'denied' });
  expect(await call('new')).toBe('accepted');
  rotate('newer');
  later(61_000);
  expect(await call('newer')).toBe('accepted');
});
