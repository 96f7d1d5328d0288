import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { Bucket, BucketObject, ObjectChange, ObjectFilter, ObjectPage } from '../../stores/buckets/buckets.ts';
import { foldNames } from '../../stores/buckets/fold-names.ts';
import type { BucketRows, NewObject } from '../../stores/buckets/rows.ts';
import type { Database } from './database.ts';

/** The tables of migration 0007. */
type BucketTables = {
  buckets: { name: string; project: string; location: string; created_at: number; last_generation: number };
  bucket_objects: {
    bucket: string;
    name: string;
    generation: number;
    metageneration: number;
    size: number;
    content_type: string;
    crc32c: string;
    md5: string | null;
    digest: Digest;
    metadata: string | null;
    created_at: number;
    updated_at: number;
  };
};
type BucketRow = Selectable<BucketTables['buckets']>;
type ObjectRow = Selectable<BucketTables['bucket_objects']>;

/** Bound parameters of one statement; SQLite's own limit is 32766. */
const DIGESTS_PER_STATEMENT = 500;

/** The buckets' rows. Only the owner process has one. */
export class SqliteBuckets implements BucketRows {
  readonly #database: Kysely<BucketTables>;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock = systemClock) {
    this.#database = database.withTables<BucketTables>();
    this.#clock = clock;
  }

  async bucket(name: string): Promise<Bucket | undefined> {
    const row = await bucketRow(this.#database, name);
    return row && bucketOf(row);
  }

  async buckets(project: string): Promise<Bucket[]> {
    const rows = await this.#database
      .selectFrom('buckets')
      .selectAll()
      .where('project', '=', project)
      .orderBy('name')
      .execute();
    return rows.map(bucketOf);
  }

  async createBucket({ name, project, location }: Omit<Bucket, 'createdAt'>): Promise<Bucket> {
    const row = { name, project, location, created_at: this.#clock.now(), last_generation: 0 };
    const made = await this.#database
      .insertInto('buckets')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning('name')
      .executeTakeFirst();
    if (made === undefined) throw new Problem('conflict', `the bucket name ${name} is taken`);
    return bucketOf(row);
  }

  removeBucket(name: string): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      const object = await transaction
        .selectFrom('bucket_objects')
        .select('name')
        .where('bucket', '=', name)
        .limit(1)
        .executeTakeFirst();
      if (object !== undefined)
        throw new Problem('conflict', `the bucket ${name} is not empty`, { hint: 'Remove its objects first.' });
      const result = await transaction.deleteFrom('buckets').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    });
  }

  async get(bucket: string, name: string): Promise<BucketObject | undefined> {
    const row = await objectRow(this.#database, bucket, name);
    return row && objectOf(row);
  }

  list(bucket: string, filter: ObjectFilter): Promise<ObjectPage> {
    return foldNames(filter, async ({ from, after, before, limit }) => {
      let query = this.#database.selectFrom('bucket_objects').selectAll().where('bucket', '=', bucket);
      if (from !== undefined) query = query.where('name', '>=', from);
      if (after !== undefined) query = query.where('name', '>', after);
      if (before !== undefined) query = query.where('name', '<', before);
      return (await query.orderBy('name').limit(limit).execute()).map(objectOf);
    });
  }

  put(object: NewObject, ifGenerationMatch?: string): Promise<BucketObject> {
    return this.#database.transaction().execute(async (transaction) => {
      const bucket = await bucketRow(transaction, object.bucket);
      if (bucket === undefined) throw new Problem('not-found', `there is no bucket ${object.bucket}`);
      if (ifGenerationMatch !== undefined) {
        const present = await objectRow(transaction, object.bucket, object.name);
        requireMatch('generation', object, ifGenerationMatch, String(present?.generation ?? 0));
      }
      const now = this.#clock.now();
      const generation = Math.max(now * 1000, bucket.last_generation + 1);
      await transaction
        .updateTable('buckets')
        .set({ last_generation: generation })
        .where('name', '=', object.bucket)
        .execute();
      const row: ObjectRow = {
        bucket: object.bucket,
        name: object.name,
        generation,
        metageneration: 1,
        size: object.size,
        content_type: object.contentType,
        crc32c: object.crc32c,
        md5: object.md5 ?? null,
        digest: object.digest,
        metadata: metadataText(object.metadata),
        created_at: now,
        updated_at: now,
      };
      const { bucket: _, name: __, ...values } = row;
      await transaction
        .insertInto('bucket_objects')
        .values(row)
        .onConflict((conflict) => conflict.columns(['bucket', 'name']).doUpdateSet(values))
        .execute();
      return objectOf(row);
    });
  }

  update(bucket: string, name: string, change: ObjectChange): Promise<BucketObject | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const row = await objectRow(transaction, bucket, name);
      if (row === undefined) return undefined;
      const { ifMetagenerationMatch } = change;
      if (ifMetagenerationMatch !== undefined)
        requireMatch('metageneration', row, ifMetagenerationMatch, String(row.metageneration));
      const values = {
        metageneration: row.metageneration + 1,
        content_type: change.contentType ?? row.content_type,
        metadata: change.metadata === undefined ? row.metadata : metadataText(merge(row.metadata, change.metadata)),
        updated_at: this.#clock.now(),
      };
      await transaction
        .updateTable('bucket_objects')
        .set(values)
        .where('bucket', '=', bucket)
        .where('name', '=', name)
        .execute();
      return objectOf({ ...row, ...values });
    });
  }

  async remove(bucket: string, name: string, generation?: string): Promise<boolean> {
    let query = this.#database.deleteFrom('bucket_objects').where('bucket', '=', bucket).where('name', '=', name);
    if (generation !== undefined) query = query.where('generation', '=', Number(generation));
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
  }

  async claimed(digests: Digest[]): Promise<Digest[]> {
    const claimed: Digest[] = [];
    for (let i = 0; i < digests.length; i += DIGESTS_PER_STATEMENT) {
      const rows = await this.#database
        .selectFrom('bucket_objects')
        .select('digest')
        .distinct()
        .where('digest', 'in', digests.slice(i, i + DIGESTS_PER_STATEMENT))
        .execute();
      claimed.push(...rows.map((row) => row.digest));
    }
    return claimed;
  }

  async holders(digests: Digest[]): Promise<{ digest: Digest; bucket: string; name: string }[]> {
    const { rows } = await sql<{ digest: Digest; bucket: string; name: string }>`
      select digest, bucket, min(name) as name from bucket_objects
      where digest in (select value from json_each(${JSON.stringify(digests)})) group by digest`.execute(
      this.#database,
    );
    return rows;
  }
}

type Connection = Kysely<BucketTables> | Transaction<BucketTables>;

function bucketRow(connection: Connection, name: string): Promise<BucketRow | undefined> {
  return connection.selectFrom('buckets').selectAll().where('name', '=', name).executeTakeFirst();
}

function objectRow(connection: Connection, bucket: string, name: string): Promise<ObjectRow | undefined> {
  return connection
    .selectFrom('bucket_objects')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('name', '=', name)
    .executeTakeFirst();
}

function requireMatch(what: string, object: { bucket: string; name: string }, wanted: string, present: string): void {
  if (wanted === present) return;
  const shown = present === '0' ? 'is not there' : `has ${what} ${present}`;
  throw new Problem(
    'conflict',
    `gs://${object.bucket}/${object.name} ${shown}, where ${what} ${wanted} was asked for`,
    { hint: 'Somebody else wrote it in the meantime: read it again, then decide.' },
  );
}

function metadataText(metadata: Record<string, string> | undefined): string | null {
  return metadata === undefined || Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata);
}

function merge(present: string | null, change: Record<string, string | null> | null): Record<string, string> {
  const merged = new Map<string, string>(
    change === null || present === null ? [] : Object.entries(JSON.parse(present)),
  );
  for (const [key, value] of Object.entries(change ?? {})) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function bucketOf(row: BucketRow): Bucket {
  return { name: row.name, project: row.project, location: row.location, createdAt: row.created_at };
}

function objectOf(row: ObjectRow): BucketObject {
  return {
    bucket: row.bucket,
    name: row.name,
    generation: String(row.generation),
    metageneration: String(row.metageneration),
    size: row.size,
    contentType: row.content_type,
    crc32c: row.crc32c,
    ...(row.md5 === null ? {} : { md5: row.md5 }),
    digest: row.digest,
    ...(row.metadata === null ? {} : { metadata: JSON.parse(row.metadata) as Record<string, string> }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
