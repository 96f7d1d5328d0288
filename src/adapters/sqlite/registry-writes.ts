import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { ManifestPut } from '../../stores/registry/registry.ts';
import type { DirectRows } from './direct-rows.ts';
import type { Change } from './registry-tables.ts';

/** Links blobs to a repository; linking again renews the link. */
export function linkBlobs(rows: DirectRows, repositoryId: number, digests: readonly Digest[], now: number): void {
  if (digests.length === 0) return;
  rows.run(
    `insert into repository_blobs (repository_id, digest, linked_at, unlinked_at)
      select ?, value, ?, null from json_each(?) where true
      on conflict do update set linked_at = excluded.linked_at, unlinked_at = null`,
    repositoryId,
    now,
    JSON.stringify(digests),
  );
}

/**
 * Stores a manifest and its edges. One that is there already stays as it is, because a published version never changes;
 * a deleted one comes alive, as if it had not been there.
 */
export function storeManifest(change: Change, put: ManifestPut): void {
  const { rows, repositoryId, key, actor, now, events } = change;
  const made = rows.first<[id: number]>(
    `insert into manifests
      (repository_id, digest, media_type, size, artifact_type, annotations, subject, created_at, renewed_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning id`,
    repositoryId,
    put.digest,
    put.mediaType,
    put.size,
    put.artifactType ?? null,
    put.annotations === undefined ? null : JSON.stringify(put.annotations),
    put.subject ?? null,
    now,
    now,
  );
  if (made !== undefined) storeEdges(rows, repositoryId, made[0], put);
  else if (!renew(change, put.digest)) return;
  events.push({ at: now, actor, action: 'push', repository: key, digest: put.digest });
}

/** Marks a manifest as alive, with its edges. */
export function revive(rows: DirectRows, id: number, times: { renewedAt: number; createdAt?: number }): void {
  rows.run(
    `update manifests set renewed_at = ?, created_at = coalesce(?, created_at),
      deleted_at = null, deleted_by = null, deleted_tags = null where id = ?`,
    times.renewedAt,
    times.createdAt ?? null,
    id,
  );
  rows.run('update manifest_edges set deleted = 0 where manifest_id = ?', id);
}

/** What a tag means now; in a repository that isn't there, nothing. */
export function tagOf(rows: DirectRows, repositoryId: number | undefined, name: string): Digest | undefined {
  if (repositoryId === undefined) return undefined;
  const text = 'select digest from tags where repository_id = ? and name = ?';
  return rows.first<[Digest]>(text, repositoryId, name)?.[0];
}

/**
 * Points a tag at a manifest, or at nothing, and closes what it meant before in the history.
 * @returns false when nothing changed
 * @throws Problem `conflict` when the tag has a meaning and is immutable
 */
export function moveTag(
  { rows, repositoryId, key, actor, now, events }: Change,
  tag: { name: string; digest: Digest | undefined; immutable: boolean },
): boolean {
  const { name, digest } = tag;
  const present = tagOf(rows, repositoryId, name);
  if (present === digest) return false;
  if (present !== undefined) {
    if (tag.immutable) throw immutableTag(key, name, present);
    rows.run(
      'update tag_moves set until = ?, ended_by = ? where repository_id = ? and name = ? and until is null',
      now,
      actor,
      repositoryId,
      name,
    );
  }
  const event = { at: now, actor, repository: key, tag: name };
  if (digest === undefined) {
    rows.run('delete from tags where repository_id = ? and name = ?', repositoryId, name);
    events.push({ ...event, action: 'untag', digest: present });
    return true;
  }
  rows.run(
    `insert into tags (repository_id, name, digest, since) values (?, ?, ?, ?)
      on conflict do update set digest = excluded.digest, since = excluded.since`,
    repositoryId,
    name,
    digest,
    now,
  );
  rows.run(
    'insert into tag_moves (repository_id, name, digest, since, actor) values (?, ?, ?, ?, ?)',
    repositoryId,
    name,
    digest,
    now,
    actor,
  );
  events.push({ ...event, action: 'tag', digest, before: present });
  return true;
}

function immutableTag(key: string, name: string, digest: Digest): Problem {
  return new Problem('conflict', `tag ${name} of ${key} is immutable and means ${digest}`, {
    hint: 'Push under another tag. Tags of this repository can be neither moved nor removed (immutableTags).',
  });
}

/** Of a manifest that is alive and has none yet. */
export function storeEdges(
  rows: DirectRows,
  repositoryId: number,
  manifestId: number,
  put: Pick<ManifestPut, 'blobs' | 'children'>,
): void {
  const kinds = new Map<Digest, 'blob' | 'child'>();
  for (const digest of put.blobs) kinds.set(digest, 'blob');
  for (const digest of put.children) kinds.set(digest, 'child');
  rows.run(
    `insert into manifest_edges (manifest_id, digest, kind, repository_id, deleted)
      select ?, value ->> 0, value ->> 1, ?, 0 from json_each(?)`,
    manifestId,
    repositoryId,
    JSON.stringify([...kinds]),
  );
}

/** Notes that a manifest was pushed again. @returns whether it was deleted before */
function renew({ rows, repositoryId, now }: Change, digest: Digest): boolean {
  const there = rows.first<[id: number, deletedAt: number | null]>(
    'select id, deleted_at from manifests where repository_id = ? and digest = ?',
    repositoryId,
    digest,
  );
  if (there === undefined) throw new Error(`manifest ${digest} is neither new nor there`);
  const [id, deletedAt] = there;
  if (deletedAt !== null) {
    revive(rows, id, { createdAt: now, renewedAt: now });
    return true;
  }
  rows.run('update manifests set renewed_at = ? where id = ?', now, id);
  return false;
}
