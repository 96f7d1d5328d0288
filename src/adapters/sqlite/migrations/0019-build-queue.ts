import type { Migration } from './migration.ts';

/**
 * A queue by pools in which projects take turns (builds/queue/queue.ts), worker pools, and the transitions of builds for those
 * who are told of them. `lane` is 1 for low priority, else 0; `turn` counts the rounds of a lane; `rank` is 0 for high.
 */
export const buildQueue: Migration = {
  name: '0019-build-queue',
  up: [
    `create table build_queue_by_pool (
      position integer primary key autoincrement,
      id text not null unique references builds (id) on delete cascade,
      project text not null,
      pool text not null,
      lane integer not null,
      turn integer not null,
      rank integer not null,
      expires_at integer not null,
      worker text,
      released integer not null default 0
    ) strict`,
    `insert into build_queue_by_pool (position, id, project, pool, lane, turn, rank, expires_at, worker)
      select position, build_queue.id, project, '', 0,
        row_number() over (partition by project order by position), 1, expires_at, worker
      from build_queue join builds on builds.id = build_queue.id`,
    'drop table build_queue',
    'alter table build_queue_by_pool rename to build_queue',
    `create index build_queue_waiting on build_queue (pool, lane, turn, rank, position) where worker is null`,
    'create index build_queue_turns on build_queue (pool, lane, turn)',
    'create index build_queue_of_project on build_queue (pool, lane, project, rank, turn)',
    'create index build_queue_expiry on build_queue (expires_at) where worker is null',
    'create index build_queue_claimed on build_queue (worker) where worker is not null',
    "create index builds_that_go_on on builds (id) where status in ('QUEUED', 'WORKING')",
    `create table worker_pools (
      project text not null,
      location text not null,
      id text not null,
      pool text not null,
      primary key (project, location, id)
    ) strict, without rowid`,
    `create table build_events (
      id integer primary key autoincrement,
      at integer not null,
      build text not null
    ) strict`,
  ],
};
