import { sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { BlobArrivals, BlobOrigin, BlobRows, BlobSweep, NewBlob } from '../../stores/content/content.ts';
import type { Database } from './database.ts';
import { directAccess } from './direct-rows.ts';
import { inSharedCommit } from './shared-commits.ts';

type ContentTables = {
  blobs: { digest: Digest; size: number; added_at: number; diff_id: Digest | null };
  leases: { digest: Digest; holder: string; until: number };
  origins: { digest: Digest; project: string; host: string; repository: string; noted_at: number };
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

export function sqliteBlobRows(database: Database, clock: Clock = systemClock): BlobRows & BlobSweep & BlobArrivals {
  const db = database.withTables<ContentTables>();

  const { committed, changing } = directAccess(database);

  const lease = (holder: string, digests: Digest[], until: number) => {
    const slack = slackOf(until - clock.now());
    return sql`insert into leases (digest, holder, until)
        select value, ${holder}, ${until} from json_each(${JSON.stringify(digests)}) where true
        on conflict do update set until = excluded.until where excluded.until > leases.until + ${slack}`.execute(db);
  };

  const add = async ({ digest, size, project, diffID }: NewBlob, leaseMs: number, onDisk?: Promise<unknown>) => {
    const now = clock.now();
    await inSharedCommit(
      database,
      () => {
        changing.run(
          `insert into blobs (digest, size, added_at, diff_id) values (?, ?, ?, ?) on conflict do update
          set size = excluded.size, added_at = excluded.added_at, diff_id = coalesce(excluded.diff_id, diff_id)`,
          digest,
          size,
          now,
          diffID ?? null,
        );
        changing.run(
          `insert into leases (digest, holder, until) values (?, ?, ?)
          on conflict do update set until = excluded.until where excluded.until > until + ?`,
          digest,
          NEW,
          now + leaseMs,
          slackOf(leaseMs),
        );
        if (project !== undefined)
          changing.run(
            'insert into possessions (digest, project) values (?, ?) on conflict do nothing',
            digest,
            project,
          );
      },
      onDisk,
    );
  };

  return {
    async get(digest) {
      const found = committed.first<[number]>('select size from blobs where digest = ?', digest);
      return found === undefined ? undefined : { digest, size: found[0] };
    },

    add: (blob, leaseMs) => add(blob, leaseMs),
    addWhen: (blob, leaseMs, onDisk) => add(blob, leaseMs, onDisk),

    async hold(holder, digests, until) {
      await lease(holder, digests, until);
    },

    async release(holder) {
      await db.deleteFrom('leases').where('holder', '=', holder).execute();
    },

    async noteSources(project, sources) {
      if (sources.length === 0) return;
      const now = clock.now();
      await sql`insert into origins (digest, project, host, repository, noted_at)
        select value ->> 'digest', ${project}, value ->> 'host', value ->> 'repository', ${now}
        from json_each(${JSON.stringify(sources)}) where true
        on conflict do update set noted_at = excluded.noted_at
          where origins.noted_at < ${now - NOTE_FRESH_MS}`.execute(db);
    },

    async sources(digest, project): Promise<BlobOrigin[]> {
      return db
        .selectFrom('origins')
        .select(['digest', 'host', 'repository'])
        .where('digest', '=', digest)
        .$if(project !== undefined, (query) => query.where('project', '=', project as string))
        .groupBy(['host', 'repository'])
        .orderBy((row) => row.fn.max('noted_at'), 'desc')
        .orderBy('host')
        .limit(ORIGINS_SHOWN)
        .execute();
    },

    async notePossession(project, digests) {
      await sql`insert into possessions (digest, project)
        select value, ${project} from json_each(${JSON.stringify(digests)}) where true
        on conflict do nothing`.execute(db);
    },

    async possessed(project, digests) {
      const found = await sql<{ digest: Digest; diff_id: Digest | null }>`select blobs.digest, blobs.diff_id
        from json_each(${JSON.stringify(digests)}) as asked
        join possessions on possessions.digest = asked.value and possessions.project = ${project}
        join blobs on blobs.digest = asked.value`.execute(db);
      return found.rows.map(({ digest, diff_id }) => (diff_id === null ? { digest } : { digest, diffID: diff_id }));
    },

    async noteDiffID(digest, diffID) {
      await db.updateTable('blobs').set({ diff_id: diffID }).where('digest', '=', digest).execute();
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

    async withdraw(digest, since, discard) {
      return db.transaction().execute(async (transaction) => {
        const gone = await transaction
          .deleteFrom('blobs')
          .where('digest', '=', digest)
          .where((row) => row.or([row('added_at', '<', since), row('added_at', '>', clock.now())])) // or the clock was ahead
          .executeTakeFirst();
        if (gone.numDeletedRows === 0n) return false;
        await transaction.deleteFrom('possessions').where('digest', '=', digest).execute();
        await discard(digest);
        return true;
      });
    },

    async leasesBeyond(moment) {
      const row = await db
        .selectFrom('leases')
        .select((from) => from.fn.countAll<number>().as('leases'))
        .where('until', '>', moment)
        .executeTakeFirstOrThrow();
      return row.leases;
    },

    async cutLeases(moment, until) {
      const cut = await db.updateTable('leases').set({ until }).where('until', '>', moment).executeTakeFirst();
      return Number(cut.numUpdatedRows);
    },
  };
}

/** By how much a lease has to gain to be written again. */
function slackOf(ms: number): number {
  return Math.max(0, Math.floor(ms * LEASE_SLACK));
}
