import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { JudgedVersion } from '../../stores/registry/registry.ts';
import type { Change, RegistryTables, RegistryTransaction } from './registry-tables.ts';
import { dropTags, setFreeTags } from './registry-tag-sets.ts';
import { revive } from './registry-writes.ts';

/**
 * Takes a manifest and every tag on it out of sight.
 * @returns false when there was none
 * @throws Problem `conflict` when it has tags and they are immutable
 */
export async function hideManifest(
  transaction: RegistryTransaction,
  change: Change,
  digest: Digest,
  immutableTags: boolean,
): Promise<boolean> {
  const { repositoryId, key, actor, now, events } = change;
  const manifest = await transaction
    .selectFrom('manifests')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (manifest === undefined) return false;
  const tags = await tagsOn(transaction, repositoryId, digest);
  if (immutableTags && tags.length > 0)
    throw new Problem('conflict', `${digest} of ${key} has the immutable tag ${tags[0]}`, {
      hint: 'What an immutable tag is on can not be deleted (immutableTags of the repository).',
    });
  await dropTags(transaction, change, tags, digest);
  await transaction
    .updateTable('manifests')
    .set({ deleted_at: now, deleted_by: actor, deleted_tags: JSON.stringify(tags) })
    .where('id', '=', manifest.id)
    .execute();
  await transaction.updateTable('manifest_edges').set({ deleted: 1 }).where('manifest_id', '=', manifest.id).execute();
  events.push({ at: now, actor, action: 'delete', repository: key, digest });
  return true;
}

/** Hides those versions that are as they were judged, and that nothing which stays has to do with. */
export async function hideVersions(
  transaction: RegistryTransaction,
  change: Change,
  versions: readonly JudgedVersion[],
  immutableTags: boolean,
): Promise<Digest[]> {
  const { repositoryId } = change;
  const gone: Digest[] = [];
  for (const { digest, tags, renewedAt } of versions) {
    const { rows } = await sql`
      select 1 from manifests m where m.repository_id = ${repositoryId} and m.digest = ${digest}
        and m.deleted_at is null and m.renewed_at = ${renewedAt}
        and not exists (select 1 from manifest_edges e
          where e.digest = m.digest and e.repository_id = m.repository_id and e.deleted = 0)
        and not exists (select 1 from manifests s
          where s.repository_id = m.repository_id and s.digest = m.subject and s.deleted_at is null)`.execute(
      transaction,
    );
    const present = await tagsOn(transaction, repositoryId, digest);
    if (rows.length === 0 || (immutableTags && present.length > 0)) continue;
    if (present.length !== tags.length || present.some((name) => !tags.includes(name))) continue;
    if (await hideManifest(transaction, change, digest, immutableTags)) gone.push(digest);
  }
  return gone;
}

/**
 * Brings back a manifest with its tags, its children, and what was attached to it when it went.
 * @returns the tags; undefined when it was not deleted
 */
export async function bringBack(
  transaction: RegistryTransaction,
  change: Change,
  digest: Digest,
): Promise<string[] | undefined> {
  const { rows, repositoryId, key, actor, now, events } = change;
  const deleted = transaction
    .selectFrom('manifests')
    .select(['id', 'digest', 'deleted_at', 'deleted_tags'])
    .where('repository_id', '=', repositoryId)
    .where('deleted_at', 'is not', null);
  const line = await deleted.where('digest', '=', digest).execute();
  if (line.length === 0) return undefined;
  const seen = new Set(line.map((manifest) => manifest.id));
  const back: string[] = [];
  for (const manifest of line) {
    revive(rows, manifest.id, { renewedAt: now });
    events.push({ at: now, actor, action: 'undelete', repository: key, digest: manifest.digest });
    const named = transaction.selectFrom('manifest_edges').select('digest').where('manifest_id', '=', manifest.id);
    await transaction
      .updateTable('repository_blobs')
      .set({ unlinked_at: null })
      .where('repository_id', '=', repositoryId)
      .where('digest', 'in', named)
      .where('unlinked_at', 'is not', null)
      .execute();
    const tags = JSON.parse(manifest.deleted_tags ?? '[]') as string[];
    for (const name of await setFreeTags(transaction, change, tags, manifest.digest)) back.push(name);
    const children = await deleted.where('digest', 'in', named.where('kind', '=', 'child')).execute();
    const attached = await deleted
      .where('subject', '=', manifest.digest)
      .where('deleted_at', '>=', manifest.deleted_at)
      .execute();
    for (const next of [...children, ...attached]) {
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      line.push(next);
    }
  }
  return back.sort();
}

/**
 * Lets go of a blob. While a deleted manifest of the repository names it, the link stays out of sight, so that the manifest
 * can come back.
 */
export async function unlinkBlob(
  transaction: RegistryTransaction,
  repositoryId: number,
  digest: Digest,
  now: number,
): Promise<boolean> {
  const hidden = await transaction
    .updateTable('repository_blobs')
    .set({ unlinked_at: now })
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .where('unlinked_at', 'is', null)
    .executeTakeFirst();
  if (hidden.numUpdatedRows === 0n) return false;
  await sql`delete from repository_blobs where repository_id = ${repositoryId} and digest = ${digest} and not exists (
    select 1 from manifest_edges e where e.digest = ${digest} and e.repository_id = ${repositoryId} and e.deleted = 1
  )`.execute(transaction);
  return true;
}

async function tagsOn(database: Kysely<RegistryTables>, repositoryId: number, digest: Digest): Promise<string[]> {
  const rows = await database
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .orderBy('name')
    .execute();
  return rows.map((row) => row.name);
}
