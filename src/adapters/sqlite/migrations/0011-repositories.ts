import type { Migration } from './migration.ts';

/**
 * `repositories` holds images, by the key that pushes name; what holds for all images below `LOCATION/PROJECT/REPOSITORY`
 * has a row of its own here, made for whatever was pushed before. An image of a removed repository gets a key that no name
 * can be, until its rows go.
 */
export const repositories: Migration = {
  name: '0011-repositories',
  up: [
    `create table repository_settings (
      path text primary key,
      location text not null,
      project text not null,
      mode text not null check (mode in ('standard', 'remote', 'virtual')),
      immutable_tags integer not null check (immutable_tags in (0, 1)),
      settings text not null,
      created_at integer not null,
      updated_at integer not null
    ) strict, without rowid`,
    'create index repository_settings_by_project on repository_settings (project, path)',
    'alter table repositories add column removed_at integer',
    'create index repositories_removed on repositories (removed_at) where removed_at is not null',
    `insert into repository_settings (path, location, project, mode, immutable_tags, settings, created_at, updated_at)
      with first as (
        select substr(key, 1, instr(key, '/') - 1) as location, substr(key, instr(key, '/') + 1) as rest, created_at
        from repositories
      ), second as (
        select location, substr(rest, 1, instr(rest, '/') - 1) as project, substr(rest, instr(rest, '/') + 1) as rest, created_at
        from first
      )
      select location || '/' || project || '/' || substr(rest, 1, instr(rest, '/') - 1) as path, location, project,
        'standard', 0, '{}', min(created_at), min(created_at)
      from second where instr(rest, '/') > 0 group by path`,
  ],
};
