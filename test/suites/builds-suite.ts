import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Build, BuildStatus } from '../../src/builds/build.ts';
import { parseFilter } from '../../src/builds/filter.ts';
import type { BuildRecords } from '../../src/builds/records.ts';

export interface BuildStores {
  records: BuildRecords;
  close(): Promise<void>;
}

function build(id: string, at: number, more: Partial<Build> = {}): Build {
  return {
    id,
    name: `projects/1/locations/europe-central2/builds/${id}`,
    projectId: 'p1',
    steps: [{ name: 'busybox' }],
    options: {},
    timeout: '600s',
    queueTtl: '3600s',
    status: 'QUEUED',
    createTime: new Date(at).toISOString(),
    logsBucket: 'gs://l',
    logUrl: `http://h/builds/${id}`,
    ...more,
  };
}

/** What every implementation of BuildRecords keeps to. */
export function buildsSuite(name: string, open: () => Promise<BuildStores>): void {
  describe(`builds kept in ${name}`, () => {
    let stores: BuildStores;
    const create = (id: string, at: number, more: Partial<Build> = {}) =>
      stores.records.create({ build: build(id, at, more), request: { steps: [{ name: '$X' }] }, actor: 'me' });
    beforeEach(async () => {
      stores = await open();
    });
    afterEach(() => stores.close());

    it('gives back what was created, and refuses an id twice', async () => {
      await create('a', 1000);
      expect(await stores.records.get('a')).toEqual({
        build: build('a', 1000),
        request: { steps: [{ name: '$X' }] },
        actor: 'me',
      });
      expect(await stores.records.get('b')).toBeUndefined();
      await expect(create('a', 2000)).rejects.toMatchObject({ code: 'conflict' });
    });

    it('lists newest first, page by page, also those of one instant', async () => {
      for (let i = 0; i < 7; i++) await create(`b${i}`, 1000 + Math.floor(i / 3));
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await stores.records.list({ project: 'p1', limit: 2, after });
        seen.push(...page.builds.map((one) => one.id));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual(['b6', 'b5', 'b4', 'b3', 'b2', 'b1', 'b0']);
    });

    it('never announces a page that is empty', async () => {
      await create('a', 1000);
      await create('b', 2000);
      expect((await stores.records.list({ project: 'p1', limit: 2 })).next).toBeUndefined();
      expect((await stores.records.list({ project: 'p1', limit: 1 })).next).toBeDefined();
      const filter = parseFilter('build_id="b"');
      expect(await stores.records.list({ project: 'p1', limit: 1, filter })).toEqual({ builds: [build('b', 2000)] });
    });

    it('filters over more rows than one page reads', async () => {
      for (let i = 0; i < 230; i++)
        await create(`b${String(i).padStart(3, '0')}`, i, { tags: i % 100 === 0 ? ['t'] : [] });
      const { builds, next } = await stores.records.list({ project: 'p1', limit: 2, filter: parseFilter('tags="t"') });
      expect(builds.map((one) => one.id)).toEqual(['b200', 'b100']);
      const rest = await stores.records.list({ project: 'p1', limit: 2, filter: parseFilter('tags="t"'), after: next });
      expect(rest.builds.map((one) => one.id)).toEqual(['b000']);
      expect(rest.next).toBeUndefined();
    });

    it('keeps projects and locations apart', async () => {
      await create('a', 1);
      await create('b', 2, { projectId: 'p2' });
      await create('c', 3, { name: 'projects/1/locations/global/builds/c' });
      const ids = async (project: string, location?: string) =>
        (await stores.records.list({ project, location, limit: 10 })).builds.map((one) => one.id);
      expect(await ids('p1')).toEqual(['c', 'a']);
      expect(await ids('p1', 'global')).toEqual(['c']);
      expect(await ids('p2', 'global')).toEqual([]);
      expect(await stores.records.projects()).toEqual(['p1', 'p2']);
    });

    it('keeps what a trigger gave a build', async () => {
      const record = { build: build('a', 1000), request: {}, actor: 'me' };
      await stores.records.create({ ...record, trigger: { id: 't', values: { TRIGGER_NAME: 'nightly' } } });
      expect((await stores.records.get('a'))?.trigger).toEqual({ id: 't', values: { TRIGGER_NAME: 'nightly' } });
    });

    it('merges builds of several statuses into one order, over pages', async () => {
      const statuses: BuildStatus[] = ['QUEUED', 'WORKING', 'SUCCESS'];
      for (let i = 0; i < 250; i++)
        await create(`b${String(i).padStart(3, '0')}`, 1000 + Math.floor(i / 2), {
          status: statuses[i % 3] ?? 'QUEUED',
        });
      const filter = parseFilter('status="WORKING" OR status="QUEUED"');
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await stores.records.list({ project: 'p1', location: 'europe-central2', limit: 7, filter, after });
        seen.push(...page.builds.map((one) => one.id));
        after = page.next;
      } while (after !== undefined);
      const wanted = Array.from({ length: 250 }, (_, i) => i).filter((i) => i % 3 !== 2);
      expect(seen).toEqual(wanted.toReversed().map((i) => `b${String(i).padStart(3, '0')}`));
    });

    it.each([
      ['tags="a \\"quoted\\" ż/tag"', ['b']],
      ['tags="a"', []],
      ['build_id="a"', ['a']],
      ['create_time>="1970-01-01T00:00:02Z"', ['c', 'b']],
      ['create_time<"1970-01-01T00:00:02Z"', ['a']],
      ['tags="t" OR build_id="b"', ['c', 'b']],
      ['trigger_id="x"', ['c']],
      ['trigger_id=""', ['b', 'a']],
    ])('finds by %s', async (text, ids) => {
      await create('a', 1000);
      await create('b', 2000, { tags: ['a "quoted" ż/tag'] });
      await create('c', 3000, { tags: ['t'], buildTriggerId: 'x' });
      const { builds } = await stores.records.list({ project: 'p1', limit: 10, filter: parseFilter(text) });
      expect(builds.map((one) => one.id)).toEqual(ids);
    });

    it('refuses a page token that it never gave', async () => {
      await expect(stores.records.list({ project: 'p1', limit: 1, after: 'x' })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    it.each<[BuildStatus[], BuildStatus, boolean]>([
      [['QUEUED'], 'WORKING', true],
      [['QUEUED'], 'CANCELLED', true],
      [['WORKING'], 'SUCCESS', false],
      [['QUEUED', 'WORKING'], 'SUCCESS', false],
    ])('a queued build expected as %s becomes %s: %s', async (expected, status, happens) => {
      await create('a', 1000);
      const after = await stores.records.update('a', expected, { status });
      expect(after?.status).toBe(happens ? status : undefined);
      expect((await stores.records.get('a'))?.build.status).toBe(happens ? status : 'QUEUED');
    });

    it('of a cancel and an end at the same time, one wins', async () => {
      await create('a', 1000, { status: 'WORKING' });
      const results = await Promise.all([
        stores.records.update('a', ['WORKING'], { status: 'CANCELLED' }),
        stores.records.update('a', ['WORKING'], { status: 'SUCCESS' }),
      ]);
      expect(results.filter((one) => one !== undefined)).toHaveLength(1);
      expect(await stores.records.update('a', ['SUCCESS', 'CANCELLED'], { status: 'WORKING' })).toBeUndefined();
    });
  });
}
