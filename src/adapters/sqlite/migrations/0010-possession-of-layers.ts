import type { Migration } from './migration.ts';

/**
 * Who told of a place counts from here on; what was noted before is nobody's, and serves the owner alone. Layers that a
 * project's own builds made are its own.
 */
export const possessionOfLayers: Migration = {
  name: '0010-possession-of-layers',
  up: [
    'alter table blobs add column diff_id text',
    'alter table origins rename to origins_of_all',
    `create table origins (
      digest text not null,
      project text not null,
      host text not null,
      repository text not null,
      noted_at integer not null,
      primary key (digest, project, host, repository)
    ) strict, without rowid`,
    `insert into origins (digest, project, host, repository, noted_at)
      select digest, '', host, repository, noted_at from origins_of_all`,
    'drop table origins_of_all',
    `insert into possessions (digest, project)
      select distinct blob, project from cache_records
      where blob in (select digest from blobs) and record ->> 'importedFrom' is null
      on conflict do nothing`,
  ],
};
