import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TriggerRows } from '../../src/adapters/sqlite-builds/trigger-rows.ts';
import type { Build } from '../../src/builds/build.ts';
import type { ConnectionRecord } from '../../src/builds/triggers/connection.ts';
import type { NewDelivery } from '../../src/builds/triggers/inbox.ts';
import type { TriggerFields } from '../../src/builds/triggers/trigger.ts';
import { MAX_TRIGGERS, type TriggerRecord } from '../../src/builds/triggers/triggers.ts';

export interface OpenTriggers extends TriggerRows {
  /** Stores a build, or changes its status. */
  putBuild(build: Pick<Build, 'id' | 'status'>): Promise<void>;
  close(): Promise<void>;
}

const CONNECTION = 'projects/p1/locations/eu/connections/c';
const REPOSITORY = `${CONNECTION}/repositories/r`;

/** What every place that keeps triggers promises. */
export function triggersSuite(name: string, open: () => Promise<OpenTriggers>): void {
  describe(`triggers: ${name}`, () => {
    let rows: OpenTriggers;
    beforeEach(async () => {
      rows = await open();
    });
    afterEach(() => rows.close());

    it('finds one by id anywhere in its project, by name in its location', async () => {
      const { triggers } = rows;
      const record = trigger('t1', { description: 'd' });
      await triggers.create(record);
      const place = { project: 'p1', location: 'eu' };
      expect(await triggers.get(place, 't1')).toEqual(record);
      expect(await triggers.get({ ...place, location: 'us' }, 'id-t1')).toEqual(record);
      expect(await triggers.get({ ...place, location: 'us' }, 't1')).toBeUndefined();
      expect(await triggers.get({ ...place, project: 'p2' }, 'id-t1')).toBeUndefined();
    });

    it('has a name once in a location', async () => {
      const { triggers } = rows;
      await triggers.create(trigger('t1'));
      await expect(
        triggers.create({ ...trigger('t1'), trigger: { ...trigger('t1').trigger, id: 'other' } }),
      ).rejects.toMatchObject({ code: 'conflict' });
      await triggers.create({ ...trigger('t1', {}, 'other'), location: 'us' });
      await triggers.create(trigger('t2'));
      const renamed = { ...trigger('t2'), trigger: { ...trigger('t2').trigger, name: 't1' } };
      await expect(triggers.replace(renamed)).rejects.toMatchObject({ code: 'conflict' });
      expect(await triggers.replace(trigger('never'))).toBe(false);
    });

    it('lists pages in the order of creation', async () => {
      const { triggers } = rows;
      for (const each of ['c', 'a', 'b']) await triggers.create(trigger(each));
      await triggers.create({ ...trigger('u'), location: 'us' });
      const names = async (query: object) => {
        const page = await triggers.list({ project: 'p1', limit: 2, ...query });
        return { names: page.records.map((record) => record.trigger.name), next: page.next };
      };
      const first = await names({ location: 'eu' });
      expect(first.names).toEqual(['c', 'a']);
      expect(await names({ location: 'eu', after: first.next })).toEqual({ names: ['b'], next: undefined });
      expect((await names({ limit: 10 })).names).toEqual(['c', 'a', 'b', 'u']);
      expect((await names({ project: 'p2' })).names).toEqual([]);
      await expect(names({ after: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    });

    it('holds as many as the quota says', async () => {
      const { triggers } = rows;
      for (let i = 0; i < MAX_TRIGGERS; i++) await triggers.create(trigger(`t${i}`));
      await expect(triggers.create(trigger('more'))).rejects.toMatchObject({ code: 'exhausted' });
      expect(await triggers.remove('id-t0')).toBe(true);
      expect(await triggers.remove('id-t0')).toBe(false);
      await triggers.create(trigger('more'));
    });

    it('knows who waits for a repository, and who has a schedule', async () => {
      const { triggers } = rows;
      const push = { repositoryEventConfig: { repository: REPOSITORY, push: { branch: '.*' } } };
      await triggers.create(trigger('pushes', push));
      await triggers.create(trigger('nightly', { cron: { schedule: '0 3 * * *' } }));
      expect((await triggers.ofRepository(REPOSITORY)).map((record) => record.trigger.name)).toEqual(['pushes']);
      expect((await triggers.scheduled()).map((record) => record.trigger.name)).toEqual(['nightly']);
      await triggers.replace(trigger('nightly', push));
      expect(await triggers.scheduled()).toEqual([]);
      expect(await triggers.ofRepository(REPOSITORY)).toHaveLength(2);
    });

    it('forgets the times of a trigger with it', async () => {
      await rows.triggers.create(trigger('t1'));
      await rows.times.set('id-t1', 5);
      await rows.times.set('id-t1', 6);
      expect(await rows.times.get('id-t1')).toBe(6);
      await rows.triggers.remove('id-t1');
      expect(await rows.times.get('id-t1')).toBeUndefined();
    });

    it('takes a delivery once within its window', async () => {
      const { inbox } = rows;
      const first = await inbox.accept(delivery('a', 1000));
      expect(first).toMatchObject({ key: 'a', body: '{"a":1}' });
      expect(await inbox.accept(delivery('a', 1099))).toBeUndefined();
      expect(await inbox.accept({ ...delivery('a', 1099), source: 'other' })).toBeDefined();
      expect(await inbox.accept(delivery('a', 1100))).toBeDefined();
      expect((await inbox.pending()).map(({ at }) => at)).toEqual([1000, 1099, 1100]);
      await inbox.finish(first?.id ?? 0);
      expect(await inbox.pending()).toHaveLength(2);
      expect(await inbox.accept(delivery('a', 1050))).toBeUndefined();
      await inbox.forget(1100);
      expect(await inbox.pending()).toHaveLength(2);
    });

    it('keeps what triggers made of it, newest first', async () => {
      const { events } = rows;
      const note = {
        at: 1,
        project: 'p1',
        location: 'eu',
        trigger: 'i',
        triggerName: 't',
        event: 'push',
        outcome: 'ignored',
        reason: 'r',
      } as const;
      await events.note(note);
      await events.note({ ...note, at: 2, trigger: 'j' });
      await events.note({ ...note, at: 3, project: 'p2' });
      expect((await events.list({ project: 'p1', limit: 9 })).map(({ at }) => at)).toEqual([2, 1]);
      expect(await events.list({ project: 'p1', trigger: 'i', limit: 9 })).toMatchObject([note]);
      await events.forget(2);
      expect(await events.list({ project: 'p1', limit: 9 })).toHaveLength(1);
    });

    it('says what is to be told of commits, and no more once it was', async () => {
      const { reports } = rows;
      const report = { build: 'b1', repository: REPOSITORY, commit: 'c', ref: 'main', context: 'slipway/t', at: 5 };
      expect(await reports.any()).toBe(false);
      await reports.add(report);
      await reports.add({ ...report, commit: 'other' });
      expect(await reports.any()).toBe(true);
      expect(await reports.due(10, 9)).toEqual([]);
      await rows.putBuild({ id: 'b1', status: 'QUEUED' });
      expect(await reports.due(10, 9)).toEqual([{ ...report, failures: 0, status: 'QUEUED', logUrl: 'http://log' }]);
      await reports.told('b1', 'pending');
      expect(await reports.due(10, 9)).toEqual([]);
      await rows.putBuild({ id: 'b1', status: 'WORKING' });
      await reports.retryAt('b1', 20);
      expect(await reports.due(19, 9)).toEqual([]);
      expect(await reports.due(20, 9)).toMatchObject([{ status: 'WORKING', told: 'pending', failures: 1 }]);
      await reports.told('b1', 'running');
      await rows.putBuild({ id: 'b1', status: 'SUCCESS' });
      expect(await reports.due(20, 9)).toMatchObject([{ status: 'SUCCESS', failures: 0 }]);
      await reports.close('b1');
      expect(await reports.due(20, 9)).toEqual([]);
      expect(await reports.any()).toBe(false);
    });

    it('shows another build at the commit of one', async () => {
      const { reports } = rows;
      const report = { build: 'b1', repository: REPOSITORY, commit: 'c', context: 'x', at: 5 };
      await reports.add(report);
      await reports.close('b1');
      await reports.follow('b1', 'b3', 7);
      await reports.follow('never', 'b4', 7);
      await rows.putBuild({ id: 'b3', status: 'QUEUED' });
      await rows.putBuild({ id: 'b4', status: 'QUEUED' });
      expect(await reports.due(10, 9)).toMatchObject([{ ...report, build: 'b3', at: 7 }]);
    });

    it('tells of a build that could not be made', async () => {
      const { reports } = rows;
      await reports.add({ build: 'b2', repository: REPOSITORY, commit: 'c', context: 'x', at: 5 });
      await reports.fail('b2', 'no config');
      expect(await reports.due(10, 9)).toMatchObject([{ build: 'b2', problem: 'no config' }]);
      await reports.forget(5);
      expect(await reports.any()).toBe(true);
      await reports.forget(6);
      expect(await reports.any()).toBe(false);
    });

    it('links repositories to connections, each project of GitLab once', async () => {
      const { connections } = rows;
      await connections.create(connection('c'));
      await expect(connections.create(connection('c'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await connections.byWebhookKey('key-c')).toEqual(connection('c'));
      expect(await connections.byWebhookKey('')).toBeUndefined();
      const linked = {
        repository: { name: REPOSITORY, remoteUri: 'u', webhookId: '1', createTime: '', updateTime: '', etag: '' },
        projectNumber: 15,
        path: 'team/shop',
      };
      await connections.link(linked);
      expect(await connections.repository(REPOSITORY)).toEqual(linked);
      const twice = { ...linked, repository: { ...linked.repository, name: `${CONNECTION}/repositories/again` } };
      await expect(connections.link(twice)).rejects.toMatchObject({ code: 'conflict' });
      await expect(connections.remove(CONNECTION)).rejects.toMatchObject({ code: 'conflict' });
      const changed = { ...connection('c'), connection: { ...connection('c').connection, disabled: true } };
      expect(await connections.replace(changed)).toBe(true);
      expect(await connections.list('p1', 'eu')).toEqual([changed]);
      expect(await connections.repositories(CONNECTION)).toEqual([linked]);
      expect(await connections.unlink(REPOSITORY)).toBe(true);
      expect(await connections.remove(CONNECTION)).toBe(true);
      expect(await connections.list('p1', undefined)).toEqual([]);
    });
  });
}

function trigger(name: string, fields: TriggerFields = {}, id = `id-${name}`): TriggerRecord {
  const resourceName = `projects/p1/locations/eu/triggers/${id}`;
  return {
    project: 'p1',
    location: 'eu',
    trigger: { ...fields, name, id, createTime: '2026-01-01T00:00:00Z', resourceName },
  };
}

function delivery(key: string, at: number): NewDelivery {
  return { source: 's', key, window: 100, at, kind: 'webhook', body: '{"a":1}' };
}

function connection(id: string): ConnectionRecord {
  const credential = { userTokenSecretVersion: 'projects/p1/secrets/s/versions/1' };
  return {
    project: 'p1',
    location: 'eu',
    webhookKey: `key-${id}`,
    connection: {
      name: `projects/p1/locations/eu/connections/${id}`,
      gitlabConfig: {
        hostUri: 'https://gitlab.example',
        webhookSecretSecretVersion: credential.userTokenSecretVersion,
        authorizerCredential: credential,
        readAuthorizerCredential: credential,
      },
      installationState: { stage: 'COMPLETE' },
      createTime: '',
      updateTime: '',
      etag: '',
    },
  };
}
