import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Build } from '../../src/builds/build.ts';
import type { BuildQueue, QueueEntry } from '../../src/builds/queue/queue.ts';
import type { BuildRecords } from '../../src/builds/records.ts';

export interface QueueStores {
  records: BuildRecords;
  queue: BuildQueue;
  close(): Promise<void>;
}

/** What every implementation of BuildQueue keeps to. */
export function buildQueueSuite(name: string, open: () => Promise<QueueStores>): void {
  describe(`builds that wait, kept in ${name}`, () => {
    let stores: QueueStores;
    beforeEach(async () => {
      stores = await open();
    });
    afterEach(() => stores.close());

    const create = async (id: string, more: Partial<Build> = {}) => {
      const build: Build = {
        id,
        name: `projects/1/locations/global/builds/${id}`,
        projectId: 'p',
        steps: [{ name: 'busybox' }],
        options: {},
        timeout: '600s',
        queueTtl: '3600s',
        status: 'QUEUED',
        createTime: new Date(1000).toISOString(),
        logsBucket: 'gs://l',
        logUrl: 'http://h',
        ...more,
      };
      await stores.records.create({ build, request: {}, actor: 'me' });
    };
    const enqueue = async (id: string, more: Partial<QueueEntry> = {}) => {
      const entry = { id, project: 'p', pool: '', priority: 'normal' as const, expiresAt: 5000, ...more };
      await create(id, { projectId: entry.project });
      await stores.queue.enqueue(entry);
    };
    /** What comes next, until nothing does. */
    const order = async (pool = '') => {
      const ids: string[] = [];
      for (;;) {
        const id = await stores.queue.claim('w', 2000, pool);
        if (id === undefined) return ids.join(' ');
        ids.push(id);
      }
    };

    it('hands out each waiting build once, oldest first', async () => {
      for (const id of ['a', 'b']) await enqueue(id);
      const claimed = await Promise.all([stores.queue.claim('w1', 2000, ''), stores.queue.claim('w2', 2000, '')]);
      expect([...claimed].sort()).toEqual(['a', 'b']);
      expect(await stores.queue.claim('w3', 2000, '')).toBeUndefined();
      expect(await stores.queue.claims()).toHaveLength(2);
      await stores.queue.finish('a');
      expect((await stores.queue.claims()).map((one) => one.id)).toEqual(['b']);
    });

    it('takes a waiting build out, never a claimed one', async () => {
      for (const id of ['a', 'b']) await enqueue(id);
      await stores.queue.claim('w1', 2000, '');
      expect([await stores.queue.withdraw('a'), await stores.queue.withdraw('b')]).toEqual([false, true]);
      expect(await stores.queue.claim('w1', 2000, '')).toBeUndefined();
    });

    it('lets nobody claim what has expired, and says when the next one will', async () => {
      await enqueue('a');
      await enqueue('b', { expiresAt: 9000 });
      expect(await stores.queue.nextExpiry()).toBe(5000);
      expect(await stores.queue.expire(5000)).toEqual(['a']);
      expect(await stores.queue.claim('w', 5000, '')).toBe('b');
      expect(await stores.queue.expire(10_000)).toEqual([]);
      expect(await stores.queue.nextExpiry()).toBeUndefined();
    });

    it('lets projects take turns, so that a thousand builds of one hold up no other', async () => {
      for (let i = 0; i < 6; i++) await enqueue(`p${i}`);
      expect(await stores.queue.claim('w', 2000, '')).toBe('p0');
      for (let i = 0; i < 3; i++) await enqueue(`q${i}`, { project: 'q' });
      await enqueue('r0', { project: 'r' });
      expect(await order()).toBe('p1 q0 r0 p2 q1 p3 q2 p4 p5');
    });

    it('gives who comes back no turns for the time when it had nothing to do', async () => {
      await enqueue('p0');
      await enqueue('q0', { project: 'q' });
      expect(await order()).toBe('p0 q0');
      for (let i = 1; i < 4; i++) await enqueue(`p${i}`);
      await stores.queue.finish('q0');
      for (let i = 1; i < 4; i++) await enqueue(`q${i}`, { project: 'q' });
      expect(await order()).toBe('p1 q1 p2 q2 p3 q3');
    });

    it('puts high before the rest of its project alone, and low behind everything', async () => {
      await enqueue('low', { priority: 'low' });
      for (let i = 0; i < 3; i++) await enqueue(`p${i}`);
      for (let i = 0; i < 3; i++) await enqueue(`q${i}`, { project: 'q' });
      for (let i = 0; i < 3; i++) await enqueue(`hot${i}`, { priority: 'high' });
      expect(await order()).toBe('hot0 p0 q0 hot1 p1 q1 hot2 p2 q2 low');
    });

    it('keeps pools apart', async () => {
      await enqueue('a');
      await enqueue('b', { pool: 'big' });
      await enqueue('c', { pool: 'small' });
      await enqueue('d', { pool: 'big' });
      expect(await stores.queue.waitingPools()).toEqual(['', 'big', 'small']);
      expect(await order('big')).toBe('b d');
      expect(await stores.queue.waitingPools()).toEqual(['', 'small']);
      expect(await order()).toBe('a');
      expect(await stores.queue.waiting()).toBe(1);
    });

    it('takes back one that has not begun, to the place it had', async () => {
      for (const id of ['a', 'b', 'c']) await enqueue(id);
      expect(await stores.queue.claim('w', 2000, '')).toBe('a');
      expect([await stores.queue.release('a'), await stores.queue.release('a')]).toEqual([1, 2]);
      expect(await order()).toBe('a b c');
      expect(await stores.queue.release('nope')).toBe(0);
    });

    it('takes a build once, whoever enqueues it again', async () => {
      await enqueue('a');
      await stores.queue.enqueue({ id: 'a', project: 'p', pool: 'big', priority: 'high', expiresAt: 1 });
      expect(await order()).toBe('a');
    });

    it('finds builds that were on their way in or out when their owner died', async () => {
      await create('lost');
      await create('cut', { status: 'WORKING' });
      await create('done', { status: 'SUCCESS' });
      await create('unapproved', { status: 'PENDING' });
      await enqueue('waits');
      expect((await stores.queue.strays()).sort()).toEqual(['cut', 'lost']);
    });
  });
}
