import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { UpstreamRows } from '../../stores/upstream/rows.ts';
import type { SeenDigest, UpstreamTag } from '../../stores/upstream/sightings.ts';
import type { Database } from './database.ts';

type UpstreamTables = {
  upstream_tags: SeenRow & { host: string; repository: string; tag: string };
  upstream_quotas: {
    host: string;
    username: string;
    pulls: number;
    remaining: number;
    window: number;
    source: string | null;
    seen_at: number;
  };
  upstream_pulls: { repository: string; digest: Digest; last_pulled: number; pinned_at: number | null };
};

interface SeenRow {
  id: number;
  digest: Digest;
  first_seen: number;
  last_seen: number;
  vanished_at: number | null;
}

/** What other registries said, and when what we keep of them was asked for. */
export function sqliteUpstream(database: Database, clock: Clock = systemClock): UpstreamRows {
  const db = database.withTables<UpstreamTables>();

  const runs = (from: Kysely<UpstreamTables>, { host, repository, tag }: UpstreamTag) =>
    from
      .selectFrom('upstream_tags')
      .select(['id', 'digest', 'first_seen', 'last_seen', 'vanished_at'])
      .where('host', '=', host)
      .where('repository', '=', repository)
      .where('tag', '=', tag)
      .orderBy('id', 'desc');

  return {
    async noteTag(name, digest) {
      await db.transaction().execute(async (transaction) => {
        const now = clock.now();
        const last = await runs(transaction, name).limit(1).executeTakeFirst();
        if (last?.digest === digest && last.vanished_at === null) {
          const lastSeen = Math.max(last.last_seen, now);
          await transaction
            .updateTable('upstream_tags')
            .set({ last_seen: lastSeen })
            .where('id', '=', last.id)
            .execute();
          return;
        }
        await sql`insert into upstream_tags (host, repository, tag, digest, first_seen, last_seen)
          values (${name.host}, ${name.repository}, ${name.tag}, ${digest}, ${now}, ${now})`.execute(transaction);
      });
    },

    async noteVanished(name) {
      await db.transaction().execute(async (transaction) => {
        const last = await runs(transaction, name).limit(1).executeTakeFirst();
        if (last === undefined || last.vanished_at !== null) return;
        await transaction
          .updateTable('upstream_tags')
          .set({ vanished_at: clock.now() })
          .where('id', '=', last.id)
          .execute();
      });
    },

    async latest(name) {
      const row = await runs(db, name).limit(1).executeTakeFirst();
      return row === undefined ? undefined : seenDigest(row);
    },

    async seen(name) {
      return (await runs(db, name).execute()).map(seenDigest);
    },

    async tagsSeenOn(host, repository, digest) {
      const rows = await sql<{ tag: string }>`select tag from upstream_tags as seen
        where host = ${host} and repository = ${repository} and digest = ${digest} and vanished_at is null
          and not exists (select 1 from upstream_tags as later where later.host = seen.host
            and later.repository = seen.repository and later.tag = seen.tag and later.id > seen.id)
        order by tag`.execute(db);
      return rows.rows.map((row) => row.tag);
    },

    async noteQuota({ host, username, limit, remaining, window, source }) {
      const row = { pulls: limit, remaining, window, source: source ?? null, seen_at: clock.now() };
      await db
        .insertInto('upstream_quotas')
        .values({ host, username, ...row })
        .onConflict((conflict) => conflict.doUpdateSet(row))
        .execute();
    },

    async quotas() {
      const rows = await db.selectFrom('upstream_quotas').selectAll().orderBy('host').orderBy('username').execute();
      return rows.map(({ pulls, source, seen_at, ...quota }) => ({
        ...quota,
        limit: pulls,
        source: source ?? undefined,
        seenAt: seen_at,
      }));
    },

    async notePull(repository, digest, byDigest) {
      const now = clock.now();
      await db
        .insertInto('upstream_pulls')
        .values({ repository, digest, last_pulled: now, pinned_at: byDigest ? now : null })
        .onConflict((conflict) => conflict.doUpdateSet({ last_pulled: now, ...(byDigest ? { pinned_at: now } : {}) }))
        .execute();
    },

    async pulls(repository, digests) {
      const rows = await db
        .selectFrom('upstream_pulls')
        .select(['digest', 'last_pulled', 'pinned_at'])
        .where('repository', '=', repository)
        .where(sql<boolean>`digest in (select value from json_each(${JSON.stringify(digests)}))`)
        .orderBy('digest')
        .execute();
      return rows.map((row) => ({
        digest: row.digest,
        lastPulled: row.last_pulled,
        pinnedAt: row.pinned_at ?? undefined,
      }));
    },

    async dropPulls(before) {
      const done = await db.deleteFrom('upstream_pulls').where('last_pulled', '<', before).executeTakeFirst();
      return Number(done.numDeletedRows);
    },
  };
}

function seenDigest({ digest, first_seen, last_seen, vanished_at }: SeenRow): SeenDigest {
  return { digest, firstSeen: first_seen, lastSeen: last_seen, vanishedAt: vanished_at ?? undefined };
}
