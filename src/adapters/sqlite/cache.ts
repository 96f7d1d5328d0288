import { sql } from 'kysely';
import type { CacheHit, CacheInput, CacheLimits, CacheRecord, CacheStore } from '../../engine/cache/cache.ts';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { LEASE_MS, type Roots } from '../../stores/content/content.ts';
import type { Database } from './database.ts';
import { directAccess } from './direct-rows.ts';

type CacheTables = {
  cache_records: {
    project: string;
    key: string;
    position: string;
    text: string;
    blob: Digest | null;
    size: number;
    record: string;
    inputs: string;
    created_at: number;
    used_at: number;
  };
};

const FIND = `select record, used_at, blob is (select digest from blobs where blobs.digest = cache_records.blob)
  from cache_records where project = ? and key = ?`;
type Found = [record: string, usedAt: number, here: number];

/** A use is written once in this time at most, so that a build that hits everything writes nothing. */
const USE_NOTED_MS = 15 * 60 * 1000;
/** Uses that are due are written together, this long after the first of them. */
const USES_WRITTEN_MS = 10 * 1000;

export interface CachePruned {
  records: number;
  /** Of layers that no record names any more; they are freed when nobody else keeps them. */
  bytes: number;
}

/** The layer cache's rows, and its claim on the layers that they name. */
export interface KeptCache extends CacheStore {
  readonly roots: Roots;
  /** Forgets what is beyond the limits; the layers go with the next collection. */
  prune(limits: CacheLimits): Promise<CachePruned>;
  /** Writes the uses that are noted in memory; a crash before only makes records look older than they are. */
  flush(): Promise<void>;
}

export function sqliteCache(database: Database, clock: Clock = systemClock): KeptCache {
  const db = database.withTables<CacheTables>();
  const { committed } = directAccess(database);
  const uses = new Uses(async (noted) => {
    await sql`update cache_records set used_at = max(used_at, noted.value ->> 'at')
      from json_each(${JSON.stringify(noted)}) as noted
      where cache_records.project = noted.value ->> 'project' and cache_records.key = noted.value ->> 'key'`.execute(
      db,
    );
  });

  const hitOf = (project: string, key: string, [record, usedAt, here]: Found): CacheHit => {
    const now = clock.now();
    if (usedAt < now - USE_NOTED_MS) uses.note(project, key, now);
    return { ...(JSON.parse(record) as Omit<CacheHit, 'here'>), here: here === 1 };
  };

  const latestWhere = async (project: string, ...conditions: [column: 'position' | 'text', value: string][]) => {
    let query = db.selectFrom('cache_records').select(['record', 'inputs']).where('project', '=', project);
    for (const [column, value] of conditions) query = query.where(column, '=', value);
    return await query.orderBy('created_at', 'desc').orderBy(sql`rowid`, 'desc').limit(1).executeTakeFirst();
  };

  /** Positions of one Dockerfile begin alike; `$` is the first character behind `#`. */
  const latestInFile = (project: string, file: string, text: string) =>
    db
      .selectFrom('cache_records')
      .select(['record', 'inputs'])
      .where('project', '=', project)
      .where('text', '=', text)
      .where('position', '>=', `${file}#`)
      .where('position', '<', `${file}$`)
      .orderBy('created_at', 'desc')
      .orderBy(sql`rowid`, 'desc')
      .limit(1)
      .executeTakeFirst();

  return {
    async find(project, key) {
      const row = committed.first<Found>(FIND, project, key);
      return row && hitOf(project, key, row);
    },

    async findAll(project, keys) {
      return keys.flatMap((key) => {
        const row = committed.first<Found>(FIND, project, key);
        return row === undefined ? [] : [hitOf(project, key, row)];
      });
    },

    async save(project, { inputs, ...record }) {
      const row = {
        position: record.position,
        text: record.text,
        blob: record.layer?.blob.digest ?? null,
        size: record.layer?.blob.size ?? 0,
        record: JSON.stringify(record),
        inputs: JSON.stringify(inputs),
        created_at: record.createdAt,
        used_at: clock.now(),
      };
      await db
        .insertInto('cache_records')
        .values({ project, key: record.key, ...row })
        .onConflict((conflict) => conflict.columns(['project', 'key']).doUpdateSet(row))
        .execute();
    },

    async latest(project, position, text) {
      const file = position.slice(0, position.indexOf('#'));
      const row =
        text === undefined
          ? await latestWhere(project, ['position', position])
          : ((await latestWhere(project, ['position', position], ['text', text])) ??
            (await latestInFile(project, file, text)) ??
            (await latestWhere(project, ['position', position])) ??
            (await latestWhere(project, ['text', text])));
      if (row === undefined) return undefined;
      const record = JSON.parse(row.record) as Omit<CacheRecord, 'inputs'>;
      return { ...record, inputs: JSON.parse(row.inputs) as CacheInput[] };
    },

    async forget(project, unusedSince) {
      await uses.flush();
      const before = Math.min(unusedSince, clock.now() - LEASE_MS);
      return await db.transaction().execute(async (transaction) => {
        const gone = await transaction
          .deleteFrom('cache_records')
          .where('project', '=', project)
          .where('used_at', '<', before)
          .returning(['key', 'blob', 'size'])
          .execute();
        const sizes = new Map(gone.flatMap(({ blob, size }) => (blob === null ? [] : [[blob, size] as const])));
        const { rows } = await sql<{ blob: Digest }>`select distinct blob from cache_records
          where blob in (select value from json_each(${JSON.stringify([...sizes.keys()])}))`.execute(transaction);
        for (const { blob } of rows) sizes.delete(blob);
        return { keys: gone.map(({ key }) => key), bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
      });
    },

    async layers(project) {
      await uses.flush();
      const rows = await db
        .selectFrom('cache_records')
        .select(({ fn }) => [
          'blob',
          'text',
          fn.max('size').as('size'),
          fn.min('created_at').as('createdAt'),
          fn.max('used_at').as('usedAt'),
        ])
        .where('project', '=', project)
        .where('blob', 'is not', null)
        .groupBy('blob')
        .orderBy('usedAt', 'desc')
        .execute();
      return rows.flatMap(({ blob, ...layer }) => (blob === null ? [] : [{ blob, ...layer }]));
    },

    async prune({ unusedSince, maxBytes }) {
      await uses.flush();
      const leased = clock.now() - LEASE_MS;
      const idleSince = Math.min(unusedSince ?? 0, leased);
      // a layer that several records name counts once, at its latest use
      const beyond = sql<{ project: string; key: string }>`with layers as (
          select blob, max(size) as size, max(used_at) as used_at from cache_records where blob is not null group by blob
        ), sums as (
          select blob, sum(size) over (order by used_at desc, blob) as total from layers
        )
        select project, key from cache_records
          where used_at < ${leased}
            and blob in (select blob from sums where total > ${maxBytes ?? Number.MAX_SAFE_INTEGER})`;
      return await db.transaction().execute(async (transaction) => {
        const held = async () =>
          (
            await sql<{ bytes: number | null }>`select sum(size) as bytes
              from (select max(size) as size from cache_records where blob is not null group by blob)`.execute(
              transaction,
            )
          ).rows[0]?.bytes ?? 0;
        const before = await held();
        const idle = await transaction.deleteFrom('cache_records').where('used_at', '<', idleSince).executeTakeFirst();
        let records = Number(idle.numDeletedRows);
        for (const { project, key } of (await beyond.execute(transaction)).rows) {
          await transaction.deleteFrom('cache_records').where('project', '=', project).where('key', '=', key).execute();
          records++;
        }
        return { records, bytes: before - (await held()) };
      });
    },

    flush: () => uses.flush(),

    roots: {
      name: 'layer cache',
      async claimed(digests) {
        const rows = await sql<{ blob: Digest }>`select distinct blob from cache_records
          where blob in (select value from json_each(${JSON.stringify(digests)}))`.execute(db);
        return rows.rows.map((row) => row.blob);
      },
      async explain(digests) {
        const { rows } = await sql<{ blob: Digest; project: string }>`select blob, min(project) as project
          from cache_records where blob in (select value from json_each(${JSON.stringify(digests)})) group by blob`.execute(
          db,
        );
        return rows.map(({ blob, project }) => ({ digest: blob, by: `layer cache of project ${project}` }));
      },
    },
  };
}

interface Use {
  project: string;
  key: string;
  at: number;
}

/** Uses of records, gathered in memory and written together: a transaction of its own for each hit is a flush of the disk. */
class Uses {
  readonly #write: (noted: Use[]) => Promise<void>;
  #noted = new Map<string, Use>();
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (noted: Use[]) => Promise<void>) {
    this.#write = write;
  }

  note(project: string, key: string, at: number): void {
    this.#noted.set(`${project} ${key}`, { project, key, at });
    this.#timer ??= setTimeout(() => {
      this.flush().catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'when cached layers were last used could not be noted'),
      );
    }, USES_WRITTEN_MS).unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const noted = [...this.#noted.values()];
    this.#noted = new Map();
    if (noted.length > 0) await this.#write(noted);
  }
}
