import { sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { ManifestPut } from '../../stores/registry/registry.ts';
import { portions } from './registry-rows.ts';
import type { Change, RegistryTransaction } from './registry-tables.ts';

/** Rows of one insert: four parameters each, far below SQLite's limit. */
const ROWS_PER_STATEMENT = 1000;

/** Links blobs to a repository; linking again renews the link. */
export async function linkBlobs(
  transaction: RegistryTransaction,
  repositoryId: number,
  digests: readonly Digest[],
  now: number,
): Promise<void> {
  const rows = [...new Set(digests)].map((digest) => ({
    repository_id: repositoryId,
    digest,
    linked_at: now,
    unlinked_at: null,
  }));
  for (const part of portions(rows, ROWS_PER_STATEMENT))
    await transaction
      .insertInto('repository_blobs')
      .values(part)
      .onConflict((conflict) => conflict.doUpdateSet({ linked_at: now, unlinked_at: null }))
      .execute();
}

/**
 * Stores a manifest and its edges. One that is there already stays as it is, because a published version never changes;
 * a deleted one comes alive, as if it had not been there.
 */
export async function storeManifest(transaction: RegistryTransaction, change: Change, put: ManifestPut): Promise<void> {
  const { repositoryId, key, actor, now, events } = change;
  const made = await transaction
    .insertInto('manifests')
    .values({
      repository_id: repositoryId,
      digest: put.digest,
      media_type: put.mediaType,
      size: put.size,
      artifact_type: put.artifactType ?? null,
      annotations: put.annotations === undefined ? null : JSON.stringify(put.annotations),
      subject: put.subject ?? null,
      created_at: now,
      renewed_at: now,
      deleted_at: null,
      deleted_by: null,
      deleted_tags: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made !== undefined) await storeEdges(transaction, repositoryId, made.id, put);
  else if (!(await renew(transaction, change, put.digest))) return;
  events.push({ at: now, actor, action: 'push', repository: key, digest: put.digest });
}

/** Marks a manifest as alive, with its edges. */
export async function revive(
  transaction: RegistryTransaction,
  id: number,
  times: { renewed_at: number; created_at?: number },
): Promise<void> {
  await transaction
    .updateTable('manifests')
    .set({ ...times, deleted_at: null, deleted_by: null, deleted_tags: null })
    .where('id', '=', id)
    .execute();
  await transaction.updateTable('manifest_edges').set({ deleted: 0 }).where('manifest_id', '=', id).execute();
}

/** What a tag means now; in a repository that isn't there, nothing. */
export async function tagOf(
  transaction: RegistryTransaction,
  repositoryId: number | undefined,
  name: string,
): Promise<Digest | undefined> {
  if (repositoryId === undefined) return undefined;
  const row = await transaction
    .selectFrom('tags')
    .select('digest')
    .where('repository_id', '=', repositoryId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.digest;
}

/**
 * Points a tag at a manifest, or at nothing, and closes what it meant before in the history.
 * @returns false when nothing changed
 * @throws Problem `conflict` when the tag has a meaning and is immutable
 */
export async function moveTag(
  transaction: RegistryTransaction,
  { repositoryId, key, actor, now, events }: Change,
  tag: { name: string; digest: Digest | undefined; immutable: boolean },
): Promise<boolean> {
  const { name, digest } = tag;
  const present = await tagOf(transaction, repositoryId, name);
  if (present === digest) return false;
  if (present !== undefined) {
    if (tag.immutable) throw immutableTag(key, name, present);
    await transaction
      .updateTable('tag_moves')
      .set({ until: now, ended_by: actor })
      .where('repository_id', '=', repositoryId)
      .where('name', '=', name)
      .where('until', 'is', null)
      .execute();
  }
  const event = { at: now, actor, repository: key, tag: name };
  if (digest === undefined) {
    await transaction.deleteFrom('tags').where('repository_id', '=', repositoryId).where('name', '=', name).execute();
    events.push({ ...event, action: 'untag', digest: present });
    return true;
  }
  await transaction
    .insertInto('tags')
    .values({ repository_id: repositoryId, name, digest, since: now })
    .onConflict((conflict) => conflict.doUpdateSet({ digest, since: now }))
    .execute();
  await transaction
    .insertInto('tag_moves')
    .values({ repository_id: repositoryId, name, digest, since: now, actor, until: null, ended_by: null })
    .execute();
  events.push({ ...event, action: 'tag', digest, before: present });
  return true;
}

function immutableTag(key: string, name: string, digest: Digest): Problem {
  return new Problem('conflict', `tag ${name} of ${key} is immutable and means ${digest}`, {
    hint: 'Push under another tag. Tags of this repository can be neither moved nor removed (immutableTags).',
  });
}

/** Of a manifest that is alive and has none yet. */
export async function storeEdges(
  transaction: RegistryTransaction,
  repositoryId: number,
  manifestId: number,
  put: Pick<ManifestPut, 'blobs' | 'children'>,
): Promise<void> {
  const kinds = new Map<Digest, 'blob' | 'child'>();
  for (const digest of put.blobs) kinds.set(digest, 'blob');
  for (const digest of put.children) kinds.set(digest, 'child');
  // one text for manifests of any length, which is prepared once
  await sql`insert into manifest_edges (manifest_id, digest, kind, repository_id, deleted)
    select ${manifestId}, value ->> 0, value ->> 1, ${repositoryId}, 0
    from json_each(${JSON.stringify([...kinds])})`.execute(transaction);
}

/** Notes that a manifest was pushed again. @returns whether it was deleted before */
async function renew(
  transaction: RegistryTransaction,
  { repositoryId, now }: Change,
  digest: Digest,
): Promise<boolean> {
  const there = await transaction
    .selectFrom('manifests')
    .select(['id', 'deleted_at'])
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow();
  if (there.deleted_at !== null) {
    await revive(transaction, there.id, { created_at: now, renewed_at: now });
    return true;
  }
  await transaction.updateTable('manifests').set({ renewed_at: now }).where('id', '=', there.id).execute();
  return false;
}
