import type { Migration } from './migration.ts';

/**
 * Events; and deletion in two steps: rows stay as they were, marked, until they are forgotten.
 *
 * Edges repeat the repository and the mark of their manifest, because a base layer is named by every image of a registry:
 * "does a live manifest of this repository name it" must be one look into an index.
 */
export const registryHistory: Migration = {
  name: '0012-registry-history',
  up: [
    // ids are never given twice, also after old events were dropped: readers remember the last that they saw
    `create table registry_events (
      id integer primary key autoincrement,
      at integer not null,
      actor text not null,
      action text not null,
      project text not null,
      repository text not null,
      digest text,
      tag text,
      before text
    ) strict`,
    'create index registry_events_by_project on registry_events (project, id)',
    'alter table manifests add column renewed_at integer not null default 0',
    'alter table manifests add column deleted_at integer',
    'alter table manifests add column deleted_by text',
    'alter table manifests add column deleted_tags text',
    'update manifests set renewed_at = created_at',
    'create index manifests_deleted on manifests (deleted_at) where deleted_at is not null',
    `create index manifests_deleted_by_repository on manifests (repository_id, deleted_at)
      where deleted_at is not null`,
    'alter table manifest_edges add column repository_id integer not null default 0',
    'alter table manifest_edges add column deleted integer not null default 0',
    `update manifest_edges set repository_id = (select repository_id from manifests where id = manifest_id)`,
    'drop index manifest_edges_by_digest',
    'create index manifest_edges_by_digest on manifest_edges (digest, repository_id, deleted)',
    'alter table repository_blobs add column unlinked_at integer',
    'create index tags_by_name on tags (name)',
  ],
};
