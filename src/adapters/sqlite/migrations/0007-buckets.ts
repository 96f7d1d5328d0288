import type { Migration } from './migration.ts';

/**
 * `last_generation` belongs to the bucket, so that generations rise also for an object that was deleted and made again.
 * Names compare in byte order (SQLite's BINARY), which is the order that Cloud Storage lists in.
 */
export const buckets: Migration = {
  name: '0007-buckets',
  up: [
    `create table buckets (
      name text primary key,
      project text not null,
      location text not null,
      created_at integer not null,
      last_generation integer not null
    ) strict, without rowid`,
    'create index buckets_by_project on buckets (project, name)',
    `create table bucket_objects (
      bucket text not null references buckets (name),
      name text not null,
      generation integer not null,
      metageneration integer not null,
      size integer not null,
      content_type text not null,
      crc32c text not null,
      md5 text,
      digest text not null,
      metadata text,
      created_at integer not null,
      updated_at integer not null,
      primary key (bucket, name)
    ) strict, without rowid`,
    'create index bucket_objects_by_digest on bucket_objects (digest)',
  ],
};
