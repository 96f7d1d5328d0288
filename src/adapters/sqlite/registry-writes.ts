import type { Generated, Transaction } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { ManifestPut } from '../../stores/registry/registry.ts';

/** The tables of migration 0002. */
export type RegistryTables = {
  repositories: { id: Generated<number>; key: string; created_at: number };
  repository_blobs: { repository_id: number; digest: Digest; linked_at: number };
  manifests: {
    id: Generated<number>;
    repository_id: number;
    digest: Digest;
    media_type: string;
    size: number;
    artifact_type: string | null;
    annotations: string | null;
    subject: Digest | null;
    created_at: number;
  };
  manifest_edges: { manifest_id: number; digest: Digest; kind: 'blob' | 'child' };
  tags: { repository_id: number; name: string; digest: Digest; since: number };
  tag_moves: {
    id: Generated<number>;
    repository_id: number;
    name: string;
    digest: Digest;
    since: number;
    actor: string;
    until: number | null;
    ended_by: string | null;
  };
};

/** Rows of one insert: three parameters each, far below SQLite's limit. */
const ROWS_PER_STATEMENT = 1000;

/** Links blobs to a repository; linking again renews the link. */
export async function linkBlobs(
  transaction: Transaction<RegistryTables>,
  repositoryId: number,
  digests: readonly Digest[],
  now: number,
): Promise<void> {
  const rows = [...new Set(digests)].map((digest) => ({ repository_id: repositoryId, digest, linked_at: now }));
  for (let i = 0; i < rows.length; i += ROWS_PER_STATEMENT)
    await transaction
      .insertInto('repository_blobs')
      .values(rows.slice(i, i + ROWS_PER_STATEMENT))
      .onConflict((conflict) => conflict.doUpdateSet({ linked_at: now }))
      .execute();
}

/** Stores a manifest and its edges; one that is there already stays as it is, because a published version never changes. */
export async function storeManifest(
  transaction: Transaction<RegistryTables>,
  repositoryId: number,
  put: ManifestPut,
  now: number,
): Promise<void> {
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
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made === undefined) return;
  const kinds = new Map<Digest, 'blob' | 'child'>();
  for (const digest of put.blobs) kinds.set(digest, 'blob');
  for (const digest of put.children) kinds.set(digest, 'child');
  const edges = [...kinds].map(([digest, kind]) => ({ manifest_id: made.id, digest, kind }));
  for (let i = 0; i < edges.length; i += ROWS_PER_STATEMENT)
    await transaction
      .insertInto('manifest_edges')
      .values(edges.slice(i, i + ROWS_PER_STATEMENT))
      .execute();
}

/**
 * Points a tag at a manifest, or at nothing, and closes what it meant before in the history.
 * @returns false when nothing changed
 */
export async function moveTag(
  transaction: Transaction<RegistryTables>,
  repositoryId: number,
  name: string,
  digest: Digest | undefined,
  actor: string,
  now: number,
): Promise<boolean> {
  const present = await transaction
    .selectFrom('tags')
    .select('digest')
    .where('repository_id', '=', repositoryId)
    .where('name', '=', name)
    .executeTakeFirst();
  if (present?.digest === digest) return false;
  if (present !== undefined)
    await transaction
      .updateTable('tag_moves')
      .set({ until: now, ended_by: actor })
      .where('repository_id', '=', repositoryId)
      .where('name', '=', name)
      .where('until', 'is', null)
      .execute();
  if (digest === undefined) {
    await transaction.deleteFrom('tags').where('repository_id', '=', repositoryId).where('name', '=', name).execute();
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
  return true;
}

/** Removes a manifest with its edges and every tag on it. @returns false when there was none */
export async function forgetManifest(
  transaction: Transaction<RegistryTables>,
  repositoryId: number,
  digest: Digest,
  actor: string,
  now: number,
): Promise<boolean> {
  const tags = await transaction
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .execute();
  for (const tag of tags) await moveTag(transaction, repositoryId, tag.name, undefined, actor, now);
  const result = await transaction
    .deleteFrom('manifests')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}
