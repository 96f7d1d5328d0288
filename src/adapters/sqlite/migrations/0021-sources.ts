import type { Migration } from './migration.ts';

/** Pieces of files that `slipway submit` has sent, by project; packs are blobs, many pieces each. */
export const sources: Migration = {
  name: '0021-sources',
  up: [
    `create table source_packs (
      id integer primary key,
      project text not null,
      digest text not null,
      size integer not null,
      used_at integer not null,
      unique (project, digest)
    ) strict`,
    'create index source_packs_by_digest on source_packs (digest)',
    'create index source_packs_by_use on source_packs (used_at)',
    `create table source_pieces (
      project text not null,
      piece text not null,
      pack integer not null references source_packs (id),
      at integer not null,
      size integer not null,
      primary key (project, piece)
    ) strict, without rowid`,
    'create index source_pieces_by_pack on source_pieces (pack)',
    `create table source_lists (
      project text not null,
      list text not null,
      bytes integer not null,
      primary key (project, list)
    ) strict, without rowid`,
    // a list is whole for as long as every pack that it needs is there
    `create table source_list_packs (
      project text not null,
      list text not null,
      pack integer not null,
      primary key (project, list, pack)
    ) strict, without rowid`,
    'create index source_list_packs_by_pack on source_list_packs (pack)',
  ],
};
