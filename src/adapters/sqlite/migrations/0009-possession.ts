import type { Migration } from './migration.ts';

export const possession: Migration = {
  name: '0009-possession',
  up: [
    `create table possessions (
      digest text not null,
      project text not null,
      primary key (digest, project)
    ) strict, without rowid`,
  ],
};
