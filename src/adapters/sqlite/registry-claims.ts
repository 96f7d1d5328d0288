import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { Claim } from '../../stores/content/content.ts';
import type { KeepTimes } from '../../stores/registry/roots.ts';
import type { RegistryTables } from './registry-tables.ts';

interface Found {
  digest: Digest;
  key: string;
}

interface Ending extends Found {
  why: 'deleted' | 'removed' | 'push';
  until: number;
}

/** Later than any date. */
const NEVER = 2 ** 52;

/**
 * Of each of these digests that the registry claims, one image that does: of those that are there, else the claim that ends
 * last. It is the answer of `claimedDigests` with reasons, which few ask for.
 */
export async function explainClaims(
  database: Kysely<RegistryTables>,
  digests: readonly Digest[],
  keep: KeepTimes,
): Promise<Claim[]> {
  const live = await liveClaims(database, digests);
  const named = new Set(live.map((claim) => claim.digest));
  const ending = await endingClaims(
    database,
    digests.filter((digest) => !named.has(digest)),
    keep,
  );
  return [
    ...live.map(({ digest, key }) => ({ digest, by: `image ${key}` })),
    ...ending.map(({ digest, key, why, until }) => ({
      digest,
      by: WORDS[why](key),
      ...(until >= NEVER ? {} : { until }),
    })),
  ];
}

const WORDS: Record<Ending['why'], (key: string) => string> = {
  deleted: (key) => `deleted image ${key}`,
  removed: () => 'image of a removed repository',
  push: (key) => `pushed to ${key} lately`,
};

async function liveClaims(database: Kysely<RegistryTables>, digests: readonly Digest[]): Promise<Found[]> {
  const { rows } = await sql<Found>`
    select digest, key from (
      select value as digest, coalesce(
        (select r.key from manifest_edges e join repositories r on r.id = e.repository_id
          where e.digest = value and e.deleted = 0 and r.removed_at is null limit 1),
        (select r.key from manifests m join repositories r on r.id = m.repository_id
          where m.digest = value and m.deleted_at is null and r.removed_at is null limit 1)
      ) as key from json_each(${JSON.stringify(digests)})
    ) where key is not null`.execute(database);
  return rows;
}

/** A deleted manifest that an index names stays for as long as the index, and so does what it names (`forgetDeleted`). */
async function endingClaims(
  database: Kysely<RegistryTables>,
  digests: readonly Digest[],
  { deletedMs, linkedMs }: KeepTimes,
): Promise<Ending[]> {
  const why = sql`iif(r.removed_at is null, 'deleted', 'removed') as why`;
  const until = sql`coalesce(r.removed_at, iif(exists (select 1 from manifest_edges i
    where i.digest = m.digest and i.repository_id = m.repository_id and i.deleted = 0), ${NEVER}, m.deleted_at)) + ${deletedMs} as until`;
  const { rows } = await sql<Ending>`
    with asked as (select value as digest from json_each(${JSON.stringify(digests)}))
    select digest, key, why, max(until) as until from (
      select asked.digest, r.key, ${why}, ${until} from asked
        join manifest_edges e on e.digest = asked.digest join manifests m on m.id = e.manifest_id
        join repositories r on r.id = e.repository_id
      union all
      select asked.digest, r.key, ${why}, ${until} from asked
        join manifests m on m.digest = asked.digest join repositories r on r.id = m.repository_id
      union all
      select asked.digest, r.key, iif(r.removed_at is null, 'push', 'removed'),
        coalesce(r.removed_at + ${deletedMs}, l.linked_at + ${linkedMs}) from asked
        join repository_blobs l on l.digest = asked.digest join repositories r on r.id = l.repository_id
    ) group by digest`.execute(database);
  return rows;
}
