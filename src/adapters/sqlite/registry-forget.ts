import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { RegistryTables } from './registry-tables.ts';

/** Manifests of one transaction: with ten layers each, a few milliseconds, for which everybody else waits. */
const FORGOTTEN_AT_ONCE = 50;
const LINKS_AT_ONCE = 1000;

/**
 * Removes the rows of manifests that were deleted before then, and of images whose repository was removed before then. A
 * deleted manifest that a live index names stays: its blobs would go from under the index.
 * @returns how many manifests
 */
export async function forgetDeleted(database: Kysely<RegistryTables>, before: number): Promise<number> {
  let forgotten = 0;
  let after = { deleted_at: 0, id: 0 };
  for (;;) {
    const { rows: page } = await sql<typeof after>`select deleted_at, id from manifests
      where deleted_at < ${before} and (deleted_at, id) > (${after.deleted_at}, ${after.id})
      order by deleted_at, id limit ${FORGOTTEN_AT_ONCE}`.execute(database);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last;
    const { numAffectedRows } = await sql`delete from manifests
      where id in (select value from json_each(${JSON.stringify(page.map((row) => row.id))}))
        and deleted_at < ${before} and not exists (select 1 from manifest_edges e
          where e.digest = manifests.digest and e.repository_id = manifests.repository_id and e.deleted = 0)`.execute(
      database,
    );
    forgotten += Number(numAffectedRows ?? 0n);
    await new Promise(setImmediate);
  }
  return forgotten + (await forgetRemoved(database, before));
}

/**
 * Drops links made before then to blobs that no manifest of the repository names, deleted ones included.
 * @returns how many
 */
export async function dropUnusedLinks(database: Kysely<RegistryTables>, before: number): Promise<number> {
  let dropped = 0;
  let after = { repository_id: 0, digest: '' as Digest };
  for (;;) {
    const { rows } = await sql<typeof after>`select repository_id, digest from repository_blobs
      where (repository_id, digest) > (${after.repository_id}, ${after.digest})
      order by repository_id, digest limit 1 offset ${LINKS_AT_ONCE - 1}`.execute(database);
    const until = rows[0];
    const bound =
      until === undefined ? sql`` : sql`and (repository_id, digest) <= (${until.repository_id}, ${until.digest})`;
    const { numAffectedRows } = await sql`delete from repository_blobs
      where (repository_id, digest) > (${after.repository_id}, ${after.digest}) ${bound}
        and linked_at < ${before} and not exists (select 1 from manifest_edges e
          where e.digest = repository_blobs.digest and e.repository_id = repository_blobs.repository_id)`.execute(
      database,
    );
    dropped += Number(numAffectedRows ?? 0n);
    if (until === undefined) return dropped;
    after = until;
    await new Promise(setImmediate);
  }
}

/** An image goes from its ends: what is numerous first, a page at a time, its row last. */
async function forgetRemoved(database: Kysely<RegistryTables>, before: number): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const image = await database
      .selectFrom('repositories')
      .select('id')
      .where('removed_at', '<', before)
      .limit(1)
      .executeTakeFirst();
    if (image === undefined) return forgotten;
    forgotten += await emptyTable(database, sql`manifests`, sql`id`, image.id, FORGOTTEN_AT_ONCE);
    await emptyTable(database, sql`repository_blobs`, sql`digest`, image.id, LINKS_AT_ONCE);
    await emptyTable(database, sql`tags`, sql`name`, image.id, LINKS_AT_ONCE);
    await emptyTable(database, sql`tag_moves`, sql`id`, image.id, LINKS_AT_ONCE);
    await database.deleteFrom('repositories').where('id', '=', image.id).execute();
  }
}

async function emptyTable(
  database: Kysely<RegistryTables>,
  table: ReturnType<typeof sql>,
  column: ReturnType<typeof sql>,
  repositoryId: number,
  atOnce: number,
): Promise<number> {
  for (let gone = 0; ; ) {
    const { numAffectedRows } = await sql`delete from ${table} where repository_id = ${repositoryId} and ${column} in (
      select ${column} from ${table} where repository_id = ${repositoryId} limit ${atOnce})`.execute(database);
    gone += Number(numAffectedRows ?? 0n);
    if (Number(numAffectedRows ?? 0n) < atOnce) return gone;
    await new Promise(setImmediate);
  }
}
