import type { Migration } from './migration.ts';

/**
 * Values that are encrypted before they come here. A destroyed version keeps its row, without value and key; events keep who
 * had what, also of secrets that are gone.
 */
export const secrets: Migration = {
  name: '0017-secrets',
  up: [
    `create table secrets (
      project text not null,
      name text not null,
      created_at integer not null,
      labels text not null,
      primary key (project, name)
    ) strict, without rowid`,
    `create table secret_versions (
      project text not null,
      secret text not null,
      version integer not null,
      state text not null,
      created_at integer not null,
      destroyed_at integer,
      key_id text,
      sealed text,
      primary key (project, secret, version),
      foreign key (project, secret) references secrets (project, name) on delete cascade
    ) strict, without rowid`,
    `create table secret_events (
      id integer primary key,
      at integer not null,
      actor text not null,
      action text not null,
      project text not null,
      secret text not null,
      version integer
    ) strict`,
    'create index secret_events_by_secret on secret_events (project, secret, id)',
  ],
};
