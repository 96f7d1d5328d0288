import type { Migration } from './migration.ts';

/**
 * Digests stay text: they are compared, shown and joined far more often than their bytes are counted. Names compare in
 * byte order (SQLite's BINARY), which is the order that tag lists are paged in.
 */
export const registry: Migration = {
  name: '0002-registry',
  up: [
    `create table repositories (
      id integer primary key,
      key text not null unique,
      created_at integer not null
    ) strict`,
    `create table repository_blobs (
      repository_id integer not null references repositories (id) on delete cascade,
      digest text not null,
      linked_at integer not null,
      primary key (repository_id, digest)
    ) strict, without rowid`,
    'create index repository_blobs_by_digest on repository_blobs (digest)',
    `create table manifests (
      id integer primary key,
      repository_id integer not null references repositories (id) on delete cascade,
      digest text not null,
      media_type text not null,
      size integer not null,
      artifact_type text,
      annotations text,
      subject text,
      created_at integer not null,
      unique (repository_id, digest)
    ) strict`,
    'create index manifests_by_digest on manifests (digest)',
    'create index manifests_by_subject on manifests (repository_id, subject) where subject is not null',
    `create table manifest_edges (
      manifest_id integer not null references manifests (id) on delete cascade,
      digest text not null,
      kind text not null check (kind in ('blob', 'child')),
      primary key (manifest_id, digest)
    ) strict, without rowid`,
    'create index manifest_edges_by_digest on manifest_edges (digest)',
    `create table tags (
      repository_id integer not null references repositories (id) on delete cascade,
      name text not null,
      digest text not null,
      since integer not null,
      primary key (repository_id, name)
    ) strict, without rowid`,
    'create index tags_by_digest on tags (repository_id, digest)',
    `create table tag_moves (
      id integer primary key,
      repository_id integer not null references repositories (id) on delete cascade,
      name text not null,
      digest text not null,
      since integer not null,
      actor text not null,
      until integer,
      ended_by text
    ) strict`,
    'create index tag_moves_by_name on tag_moves (repository_id, name, id)',
  ],
};
