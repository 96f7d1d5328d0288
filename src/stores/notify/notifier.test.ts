import { afterEach, expect, it } from 'vitest';
import type { WebhookMessage } from '../../lib/webhook.ts';
import type { EventFilter, RegistryEvent } from '../registry/events.ts';
import { EventNotifier, type EventReceiver } from './notifier.ts';

const kept: RegistryEvent[] = [];
const places = new Map<string, number>();
let written = 0;
let notifier: EventNotifier | undefined;

afterEach(async () => {
  await notifier?.close();
  kept.length = 0;
  places.clear();
  written = 0;
});

const happen = (action: RegistryEvent['action'], repository = 'loc/p/r/api', at = Date.now()) =>
  kept.push({ id: kept.length + 1, at, actor: 'ci', action, repository });

function start(receivers: EventReceiver[]): void {
  notifier = new EventNotifier({
    events: {
      events: async ({ after = 0, limit }: EventFilter) => kept.filter(({ id }) => id > after).slice(0, limit),
      latestEvents: async ({ limit }) => kept.slice(-limit).reverse(),
    },
    cursors: {
      get: async (name) => places.get(name),
      set: async (name, id) => {
        written++;
        places.set(name, id);
      },
    },
    receivers,
    every: 5,
    delay: 1,
  });
}

function receiver(name: string, send: (message: WebhookMessage) => Promise<void>, more = {}): EventReceiver {
  return { name, actions: ['push', 'tag'], wants: () => true, send, ...more };
}

it('tells of what happens from now on, in order, again until it is taken', async () => {
  happen('push', 'loc/p/r/before');
  const taken: string[] = [];
  let refuse = 2;
  start([
    receiver('a', async ({ id, type }) => {
      if (refuse-- > 0) throw new Error('busy');
      taken.push(`${type} ${id}`);
    }),
  ]);
  await expect.poll(() => places.get('a')).toBe(1);
  happen('push');
  happen('untag');
  happen('tag');
  await expect.poll(() => taken).toEqual(['registry.push registry-2', 'registry.tag registry-4']);
});

it('lets one that is away hold up nobody else, and goes on after a restart where it was', async () => {
  places.set('away', 0).set('here', 0);
  for (let i = 0; i < 250; i++) happen('push');
  const taken: string[] = [];
  const here = receiver('here', async ({ id }) => void taken.push(id));
  start([receiver('away', () => Promise.reject(new Error('nobody'))), here]);
  await expect.poll(() => taken.length).toBe(250);
  await notifier?.close();
  expect(places.get('away')).toBe(0);
  happen('tag');
  start([here]);
  await expect.poll(() => taken.at(-1)).toBe('registry-251');
  expect(taken).toHaveLength(251);
});

it('sends each what it asked for, with the name taken apart', async () => {
  places.set('a', 0);
  const taken: object[] = [];
  start([
    receiver('a', async ({ data }) => void taken.push(data), {
      wants: ({ repository }: RegistryEvent) => repository.startsWith('loc/p/r/'),
    }),
  ]);
  happen('push', 'loc/q/r/api');
  happen('push', 'loc/p/r/team/api');
  await expect
    .poll(() => taken)
    .toEqual([{ location: 'loc', project: 'p', repository: 'r', image: 'team/api', actor: 'ci' }]);
});

it('leaves out what is older than three days, and not one such event in three days', async () => {
  places.set('a', 0);
  const old = Date.now() - 4 * 24 * 60 * 60 * 1000;
  for (let i = 0; i < 5; i++) happen('push', 'loc/p/r/api', old);
  happen('push');
  const tried: string[] = [];
  start([
    receiver('a', async ({ id }) => {
      tried.push(id);
      if (id !== 'registry-6') throw new Error('gone');
    }),
  ]);
  await expect.poll(() => places.get('a')).toBe(6);
  expect(tried).toEqual([1, 2, 3, 4, 5, 6].map((id) => `registry-${id}`));
});

it('writes its place once for a page of events that it wants nothing of', async () => {
  places.set('a', 0);
  for (let i = 0; i < 250; i++) happen('push', 'loc/other/r/api');
  start([receiver('a', () => Promise.resolve(), { wants: () => false })]);
  await expect.poll(() => places.get('a')).toBe(250);
  expect(written).toBe(3);
});

it('ends at once amid a long backlog', async () => {
  places.set('a', 0);
  for (let i = 0; i < 20_000; i++) happen('push');
  start([receiver('a', () => Promise.resolve(), { wants: () => false })]);
  await expect.poll(() => written).toBeGreaterThan(0);
  await notifier?.close();
  expect(places.get('a')).toBeLessThan(20_000);
});
