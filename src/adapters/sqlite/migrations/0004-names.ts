import type { Migration } from './migration.ts';

export const names: Migration = {
  name: '0004-names',
  up: [
    `create table local_images (
      scope text not null,
      name text not null,
      id text not null,
      target text not null,
      manifest text not null,
      at integer not null,
      primary key (scope, name)
    ) strict, without rowid`,
    'create index local_images_by_id on local_images (scope, id)',
  ],
};
