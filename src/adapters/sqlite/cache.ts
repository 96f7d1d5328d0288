import { sql } from 'kysely';
import type { CacheRecord, CacheStore } from '../../engine/cache/cache.ts';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Roots } from '../../stores/content/content.ts';
import type { Database } from './database.ts';

type CacheTables = {
  cache_records: {
    project: string;
    key: string;
    position: string;
    blob: Digest | null;
    record: string;
    created_at: number;
    used_at: number;
  };
};

/** A use is noted once in this time at most, so that a build that hits everything writes nothing. */
const USE_NOTED_MS = 60 * 60 * 1000;

/** The layer cache's rows, and its claim on the layers that they name. */
export interface KeptCache extends CacheStore {
  readonly roots: Roots;
  /** Forgets records that nobody has used since then; their layers go with the next collection. @returns how many */
  prune(unusedSince: number): Promise<number>;
}

export function sqliteCache(database: Database, clock: Clock = systemClock): KeptCache {
  const db = database.withTables<CacheTables>();

  const noteUse = (project: string, key: string, now: number) =>
    db
      .updateTable('cache_records')
      .set({ used_at: now })
      .where('project', '=', project)
      .where('key', '=', key)
      .execute();

  return {
    async find(project, key) {
      const row = await db
        .selectFrom('cache_records')
        .select(['record', 'used_at'])
        .where('project', '=', project)
        .where('key', '=', key)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const now = clock.now();
      if (row.used_at < now - USE_NOTED_MS) await noteUse(project, key, now);
      return recordOf(row);
    },

    async save(project, record) {
      const row = {
        position: record.position,
        blob: record.layer?.blob.digest ?? null,
        record: JSON.stringify(record),
        created_at: record.createdAt,
        used_at: clock.now(),
      };
      await db
        .insertInto('cache_records')
        .values({ project, key: record.key, ...row })
        .onConflict((conflict) => conflict.columns(['project', 'key']).doUpdateSet(row))
        .execute();
    },

    async latest(project, position) {
      const row = await db
        .selectFrom('cache_records')
        .select('record')
        .where('project', '=', project)
        .where('position', '=', position)
        .orderBy('created_at', 'desc')
        .orderBy(sql`rowid`, 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : recordOf(row);
    },

    async prune(unusedSince) {
      const done = await db.deleteFrom('cache_records').where('used_at', '<', unusedSince).executeTakeFirst();
      return Number(done.numDeletedRows);
    },

    roots: {
      name: 'layer cache',
      async claimed(digests) {
        const rows = await sql<{ blob: Digest }>`select distinct blob from cache_records
          where blob in (select value from json_each(${JSON.stringify(digests)}))`.execute(db);
        return rows.rows.map((row) => row.blob);
      },
    },
  };
}

function recordOf(row: { record: string }): CacheRecord {
  return JSON.parse(row.record) as CacheRecord;
}
