import type { Migration } from './migration.ts';

/** How far each webhook has come in the registry's events. */
export const eventCursors: Migration = {
  name: '0015-event-cursors',
  up: [
    `create table event_cursors (
      reader text primary key,
      event integer not null
    ) strict, without rowid`,
  ],
};
