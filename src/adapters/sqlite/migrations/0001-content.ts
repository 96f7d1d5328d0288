import type { Migration } from './migration.ts';

export const content: Migration = {
  name: '0001-content',
  up: [
    `create table blobs (
      digest text primary key,
      size integer not null,
      added_at integer not null
    ) strict, without rowid`,
    // no reference to blobs: whoever is about to claim a digest holds it first and asks for it afterwards
    `create table leases (
      digest text not null,
      holder text not null,
      until integer not null,
      primary key (digest, holder)
    ) strict, without rowid`,
    'create index leases_by_holder on leases (holder)',
    `create table origins (
      digest text not null,
      host text not null,
      repository text not null,
      noted_at integer not null,
      primary key (digest, host, repository)
    ) strict, without rowid`,
  ],
};
