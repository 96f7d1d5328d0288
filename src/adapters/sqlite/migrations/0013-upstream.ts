import type { Migration } from './migration.ts';

/** A tag has one row for each time in which every look found the same digest; the last by id is what it means now. */
export const upstream: Migration = {
  name: '0013-upstream',
  up: [
    `create table upstream_tags (
      id integer primary key,
      host text not null,
      repository text not null,
      tag text not null,
      digest text not null,
      first_seen integer not null,
      last_seen integer not null,
      vanished_at integer
    ) strict`,
    'create index upstream_tags_by_name on upstream_tags (host, repository, tag, id)',
    'create index upstream_tags_by_digest on upstream_tags (host, repository, digest)',
    `create table upstream_quotas (
      host text not null,
      username text not null,
      pulls integer not null,
      remaining integer not null,
      window integer not null,
      source text,
      seen_at integer not null,
      primary key (host, username)
    ) strict, without rowid`,
    `create table upstream_pulls (
      repository text not null,
      digest text not null,
      last_pulled integer not null,
      pinned_at integer,
      primary key (repository, digest)
    ) strict, without rowid`,
    'create index upstream_pulls_by_date on upstream_pulls (last_pulled)',
  ],
};
