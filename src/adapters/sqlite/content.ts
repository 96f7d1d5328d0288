import { sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { BlobOrigin, BlobRows, BlobSweep } from '../../stores/content/content.ts';
import type { Database } from './database.ts';

type ContentTables = {
  blobs: { digest: Digest; size: number; added_at: number };
  leases: { digest: Digest; holder: string; until: number };
  origins: { digest: Digest; host: string; repository: string; noted_at: number };
  possessions: { digest: Digest; project: string };
};

/** Holder of the lease that everything new has; released by time alone. */
const NEW = 'new';
/** A blob that is known to lie in many places is fetched from one of the latest. */
const ORIGINS_SHOWN = 8;
/** How old a note of an origin may be before it is dated anew. Every build asks; a write is a flush of the disk. */
const NOTE_FRESH_MS = 60 * 60 * 1000;
/** A renewal that would gain less than this part of the lease writes nothing, for the same reason: a minute of an hour. */
const LEASE_SLACK = 1 / 60;

export function sqliteBlobRows(database: Database, clock: Clock = systemClock): BlobRows & BlobSweep {
  const db = database.withTables<ContentTables>();

  const lease = (into: typeof db, holder: string, digests: Digest[], until: number) => {
    const slack = Math.max(0, Math.floor((until - clock.now()) * LEASE_SLACK));
    return sql`insert into leases (digest, holder, until)
        select value, ${holder}, ${until} from json_each(${JSON.stringify(digests)}) where true
        on conflict do update set until = excluded.until where excluded.until > leases.until + ${slack}`.execute(into);
  };

  return {
    async get(digest) {
      return db.selectFrom('blobs').select(['digest', 'size']).where('digest', '=', digest).executeTakeFirst();
    },

    async add({ digest, size }, leaseMs) {
      const now = clock.now();
      await db.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('blobs')
          .values({ digest, size, added_at: now })
          .onConflict((conflict) => conflict.column('digest').doUpdateSet({ size }))
          .execute();
        await lease(transaction, NEW, [digest], now + leaseMs);
      });
    },

    async hold(holder, digests, until) {
      await lease(db, holder, digests, until);
    },

    async release(holder) {
      await db.deleteFrom('leases').where('holder', '=', holder).execute();
    },

    async noteSources(sources) {
      if (sources.length === 0) return;
      const now = clock.now();
      await sql`insert into origins (digest, host, repository, noted_at)
        select value ->> 'digest', value ->> 'host', value ->> 'repository', ${now}
        from json_each(${JSON.stringify(sources)}) where true
        on conflict do update set noted_at = excluded.noted_at
          where origins.noted_at < ${now - NOTE_FRESH_MS}`.execute(db);
    },

    async sources(digest): Promise<BlobOrigin[]> {
      return db
        .selectFrom('origins')
        .select(['digest', 'host', 'repository'])
        .where('digest', '=', digest)
        .orderBy('noted_at', 'desc')
        .orderBy('host')
        .limit(ORIGINS_SHOWN)
        .execute();
    },

    async notePossession(project, digests) {
      await sql`insert into possessions (digest, project)
        select value, ${project} from json_each(${JSON.stringify(digests)}) where true
        on conflict do nothing`.execute(db);
    },

    async possesses(project, digest) {
      const row = await db
        .selectFrom('possessions')
        .select('digest')
        .where('digest', '=', digest)
        .where('project', '=', project)
        .executeTakeFirst();
      return row !== undefined;
    },

    async page(now, after, limit) {
      const rows = await db
        .selectFrom('blobs')
        .select(['digest', 'size'])
        .select((row) =>
          row
            .selectFrom('leases')
            .select((from) => from.fn.max('until').as('until'))
            .whereRef('leases.digest', '=', 'blobs.digest')
            .where('until', '>', now)
            .as('until'),
        )
        .$if(after !== undefined, (query) => query.where('digest', '>', after as Digest))
        .orderBy('digest')
        .limit(limit)
        .execute();
      return rows.map(({ digest, size, until }) => ({ digest, size, leasedUntil: until ?? undefined }));
    },

    async present(digests) {
      const rows = await sql<{ digest: Digest }>`select digest from blobs
        where digest in (select value from json_each(${JSON.stringify(digests)}))`.execute(db);
      return rows.rows.map((row) => row.digest);
    },

    async remove(digests, now, discard) {
      return db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('leases').where('until', '<=', now).execute();
        const free = await sql<{ digest: Digest }>`select distinct value as digest
          from json_each(${JSON.stringify(digests)})
          where value not in (select digest from leases)`.execute(transaction);
        const gone = free.rows.map((row) => row.digest);
        for (const digest of gone) await discard(digest);
        for (const table of ['blobs', 'possessions'])
          await sql`delete from ${sql.table(table)}
            where digest in (select value from json_each(${JSON.stringify(gone)}))`.execute(transaction);
        return gone;
      });
    },
  };
}
