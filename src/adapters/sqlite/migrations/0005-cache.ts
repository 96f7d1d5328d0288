import type { Migration } from './migration.ts';

export const cache: Migration = {
  name: '0005-cache',
  up: [
    // the record is read as a whole; what is searched by stands beside it
    `create table cache_records (
      project text not null,
      key text not null,
      position text not null,
      blob text,
      record text not null,
      created_at integer not null,
      used_at integer not null,
      primary key (project, key)
    ) strict`,
    'create index cache_records_by_position on cache_records (project, position, created_at)',
    'create index cache_records_by_blob on cache_records (blob) where blob is not null',
  ],
};
