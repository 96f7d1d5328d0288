import { afterEach, expect, it } from 'vitest';
import { pause } from '../../lib/retry.ts';
import { DeliveryQueue, type TriggerOutcome } from './delivery-queue.ts';
import type { Delivery, NewDelivery, TriggerInbox } from './inbox.ts';

/** As the rows behave: test/suites/triggers-suite.ts. */
class Inbox implements TriggerInbox {
  rows: (Delivery & { done: boolean })[] = [];
  async accept(delivery: NewDelivery) {
    if (this.rows.some((row) => row.key === delivery.key && row.source === delivery.source)) return undefined;
    const row = { ...delivery, id: this.rows.length + 1, done: false };
    this.rows.push(row);
    return row;
  }
  async pending() {
    return this.rows.filter((row) => !row.done);
  }
  async finish(id: number) {
    for (const row of this.rows) if (row.id === id) row.done = true;
  }
  async forget() {}
}

const delivery = (key: string, source = 's'): NewDelivery => ({
  source,
  key,
  window: 1000,
  at: 1,
  kind: 'webhook',
  body: '{}',
});
const outcomes = (key: string): TriggerOutcome[] => [{ trigger: key, outcome: 'built' }];
let queue: DeliveryQueue | undefined;
afterEach(() => queue?.close());
function open(
  inbox: Inbox,
  work: (delivery: Delivery, signal: AbortSignal) => Promise<TriggerOutcome[]>,
): DeliveryQueue {
  queue = new DeliveryQueue({ inbox, clock: { now: () => 1 }, work });
  return queue;
}

it('answers with what became of it, and once', async () => {
  const inbox = new Inbox();
  const worked: string[] = [];
  const opened = open(inbox, async ({ key }) => {
    worked.push(key);
    return outcomes(key);
  });
  expect(await opened.accept(delivery('a'))).toEqual({ state: 'done', outcomes: outcomes('a') });
  expect(await opened.accept(delivery('a'))).toEqual({ state: 'duplicate' });
  expect(worked).toEqual(['a']);
  expect(await inbox.pending()).toEqual([]);
});

it('keeps the order of one source, and works on others beside it', async () => {
  const order: string[] = [];
  const opened = open(new Inbox(), async ({ key, source }) => {
    await pause(source === 'slow' ? 60 : 1);
    order.push(key);
    return [];
  });
  await Promise.all([
    opened.accept(delivery('a', 'slow')),
    opened.accept(delivery('b', 'slow')),
    opened.accept(delivery('c', 'fast')),
  ]);
  expect(order).toEqual(['c', 'a', 'b']);
});

it('begins again what an end interrupted, and goes on behind one that failed', async () => {
  const inbox = new Inbox();
  const first = open(inbox, async (_, signal) => {
    await pause(10_000, signal);
    throw new Error('interrupted');
  });
  await first.take(delivery('a'));
  await first.take(delivery('b'));
  await first.close();
  expect((await inbox.pending()).map(({ key }) => key)).toEqual(['a', 'b']);

  const worked: string[] = [];
  const second = open(inbox, async ({ key }) => {
    worked.push(key);
    if (key === 'a') throw new Error('a bug');
    return [];
  });
  await second.resume();
  await expect.poll(() => worked).toEqual(['a', 'b']);
  await expect.poll(() => inbox.pending()).toEqual([]);
});
