import type { Migration } from './migration.ts';

/**
 * `build` and `request` are JSON: the API's own messages. What is searched by has columns beside them.
 * `build_queue.position` keeps the order in which builds came.
 */
export const builds: Migration = {
  name: '0006-builds',
  up: [
    `create table builds (
      id text primary key,
      project text not null,
      location text not null,
      status text not null,
      created_at integer not null,
      actor text not null,
      build text not null,
      request text not null
    ) strict`,
    'create index builds_by_age on builds (project, created_at desc, id desc)',
    'create index builds_by_status on builds (project, status, created_at desc, id desc)',
    `create table build_queue (
      position integer primary key autoincrement,
      id text not null unique references builds (id) on delete cascade,
      expires_at integer not null,
      worker text
    ) strict`,
  ],
};
