import type { Migration } from './migration.ts';

/** Triggers, the repositories that they wait for, and what came in. */
export const triggers: Migration = {
  name: '0018-triggers',
  up: [
    `create table triggers (
      id text primary key,
      project text not null,
      location text not null,
      name text not null,
      position integer not null,
      repository text,
      scheduled integer not null,
      trigger text not null,
      unique (project, location, name)
    ) strict, without rowid`,
    'create index triggers_by_repository on triggers (repository) where repository is not null',
    `create table trigger_inbox (
      id integer primary key autoincrement,
      source text not null,
      key text not null,
      at integer not null,
      kind text not null,
      body text
    ) strict`,
    'create index trigger_inbox_keys on trigger_inbox (source, key, at)',
    'create index trigger_inbox_pending on trigger_inbox (id) where body is not null',
    `create table trigger_events (
      id integer primary key autoincrement,
      project text not null,
      trigger text not null,
      at integer not null,
      event text not null
    ) strict`,
    'create index trigger_events_by_project on trigger_events (project, id)',
    'create index trigger_events_by_trigger on trigger_events (trigger, id)',
    'create table trigger_times (trigger text primary key, at integer not null) strict, without rowid',
    `create table commit_reports (
      build text primary key,
      at integer not null,
      report text not null,
      told text,
      failures integer not null,
      retry_at integer not null,
      problem text,
      open integer not null
    ) strict, without rowid`,
    'create index commit_reports_open on commit_reports (retry_at) where open = 1',
    `create table connections (
      name text primary key,
      project text not null,
      location text not null,
      webhook_key text not null unique,
      connection text not null
    ) strict, without rowid`,
    `create table connected_repositories (
      name text primary key,
      connection text not null references connections (name),
      project_number integer not null,
      path text not null,
      repository text not null,
      unique (connection, project_number)
    ) strict, without rowid`,
  ],
};
