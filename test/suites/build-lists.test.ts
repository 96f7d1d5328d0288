import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteBuilds } from '../../src/adapters/sqlite/builds.ts';
import { type Database, openDatabase } from '../../src/adapters/sqlite/database.ts';
import { parseFilter } from '../../src/builds/filter.ts';
import { temporaryDataFolder } from './temporary-folder.ts';

/** Steps and texts as of a build of some size, so that rows don't fit a page of the database. */
const FILLER = 'x'.repeat(3000);
/** Processor time of one list, milliseconds; the owner answers nobody else meanwhile. */
const LIMIT_MS = 60;

/** Lists of ten thousand builds: two that run among those that have ended, three in another location, one with a tag. */
describe('lists over ten thousand builds', () => {
  let database: Database;
  let records: SqliteBuilds;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    const folder = await temporaryDataFolder();
    remove = folder.remove;
    database = await openDatabase(folder.folder.database);
    records = new SqliteBuilds(database);
    await sql`
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000)
      insert into builds (id, project, location, status, created_at, actor, build, request)
      select printf('b%05d', i), 'p1', iif(i % 4000 = 1, 'global', 'europe-central2'), iif(i in (17, 9000), 'WORKING', 'SUCCESS'),
        i * 1000, 'me',
        json_object('id', printf('b%05d', i), 'projectId', 'p1', 'status', iif(i in (17, 9000), 'WORKING', 'SUCCESS'),
          'createTime', strftime('%Y-%m-%dT%H:%M:%SZ', i, 'unixepoch'), 'filler', ${FILLER},
          'tags', json(iif(i = 4711, '["rare"]', '["often"]')), 'options', json('{}')),
        '{}' from n`.execute(database);
  });
  afterAll(async () => {
    await database?.destroy();
    await remove?.();
  });

  it.each([
    ['the newest', { location: 'europe-central2' }, '', 20],
    ['those that go on', { location: 'europe-central2' }, 'status="WORKING" OR status="QUEUED"', 2],
    ['those of a location with few', { location: 'global' }, '', 3],
    ['one by its id', { location: 'europe-central2' }, 'build_id="b00042"', 1],
    ['those of an hour', { location: 'europe-central2' }, 'create_time<"1970-01-01T00:00:05Z"', 3],
    ['one with a tag that is rare', {}, 'tags="rare"', 1],
    ['none with a tag that nobody gave', {}, 'tags="never"', 0],
    ['the newest of all places', {}, 'status!="FAILURE"', 20],
  ])('%s', async (_what, place, filter, count) => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = process.cpuUsage();
      const { builds } = await records.list({ project: 'p1', ...place, limit: 20, filter: parseFilter(filter) });
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
      expect(builds).toHaveLength(count);
    }
    const median = times.toSorted((a, b) => a - b)[2] ?? Number.POSITIVE_INFINITY;
    expect(median).toBeLessThan(LIMIT_MS);
  });

  it('the last page is as near as the first', async () => {
    const cost = async (after: string | undefined) => {
      const before = process.cpuUsage();
      await records.list({ project: 'p1', location: 'europe-central2', limit: 20, after });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    expect(await cost(Buffer.from('9000:b00009').toString('base64url'))).toBeLessThan(LIMIT_MS);
  });
});
