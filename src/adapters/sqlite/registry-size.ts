import { type Kysely, sql } from 'kysely';
import type { RegistrySize } from '../../stores/registry/registry.ts';
import { BEYOND_NAMES, type RegistryTables } from './registry-tables.ts';

/** Blobs of one statement: some ten milliseconds, for which everybody else waits. */
const COUNTED_AT_ONCE = 1000;

/** A range of image keys. */
interface Keys {
  first: string;
  /** Exclusive. */
  end: string;
}

interface Counted extends RegistrySize {
  seen: number;
  last: string | null;
}

/**
 * Counts image by image, and each image's blobs in the order of their digests. A blob counts with the first image of the
 * range that holds it, and is its own when no image outside does. Holding is a link to a blob that a live manifest names.
 */
export async function registrySize(
  database: Kysely<RegistryTables>,
  repositoryOrPrefix: string,
): Promise<RegistrySize> {
  const keys = repositoryOrPrefix.endsWith('/')
    ? { first: repositoryOrPrefix, end: `${repositoryOrPrefix}${BEYOND_NAMES}` }
    : { first: repositoryOrPrefix, end: `${repositoryOrPrefix}\u0000` };
  const total: RegistrySize = { bytes: 0, ownBytes: 0 };
  const images = await database
    .selectFrom('repositories')
    .select('id')
    .where('key', '>=', keys.first)
    .where('key', '<', keys.end)
    .execute();
  for (const { id } of images)
    for (const page of [blobPage, manifestPage])
      for (let after: string | null = ''; after !== null; ) {
        const { rows } = await page(id, keys, after).execute(database);
        const counted: Counted | undefined = rows[0];
        total.bytes += counted?.bytes ?? 0;
        total.ownBytes += counted?.ownBytes ?? 0;
        after = counted?.seen === COUNTED_AT_ONCE ? counted.last : null;
        await new Promise(setImmediate);
      }
  return total;
}

function blobPage(id: number, keys: Keys, after: string) {
  const holder = sql`select 1 from repository_blobs o cross join repositories i on i.id = o.repository_id and i.removed_at is null
    where o.digest = l.digest and exists (select 1 from manifest_edges e
      where e.digest = o.digest and e.repository_id = o.repository_id and e.deleted = 0)`;
  return sql<Counted>`
    select count(*) as seen, max(digest) as last, coalesce(sum(size), 0) as bytes,
      coalesce(sum(iif(exists (${holder} and o.repository_id <> ${id} and not ${within(keys)}), 0, size)), 0) as ownBytes
    from (select l.digest, iif(
        exists (select 1 from manifest_edges e where e.digest = l.digest and e.repository_id = ${id} and e.deleted = 0)
        and not exists (select 1 from manifests m where m.digest = l.digest and m.repository_id = ${id} and m.deleted_at is null)
        and not exists (${holder} and o.repository_id < ${id} and ${within(keys)}),
        (select size from blobs b where b.digest = l.digest), 0) as size
      from repository_blobs l where l.repository_id = ${id} and l.digest > ${after} and l.unlinked_at is null
      order by l.digest limit ${COUNTED_AT_ONCE}) l`;
}

function manifestPage(id: number, keys: Keys, after: string) {
  const holder = sql`select 1 from manifests o cross join repositories i on i.id = o.repository_id and i.removed_at is null
    where o.digest = l.digest and o.deleted_at is null`;
  return sql<Counted>`
    select count(*) as seen, max(digest) as last, coalesce(sum(size), 0) as bytes,
      coalesce(sum(iif(exists (${holder} and o.repository_id <> ${id} and not ${within(keys)}), 0, size)), 0) as ownBytes
    from (select l.digest, iif(exists (${holder} and o.repository_id < ${id} and ${within(keys)}), 0, l.size) as size
      from manifests l where l.repository_id = ${id} and l.digest > ${after} and l.deleted_at is null
      order by l.digest limit ${COUNTED_AT_ONCE}) l`;
}

function within({ first, end }: Keys) {
  return sql`(i.key >= ${first} and i.key < ${end})`;
}
