import type { Migration } from './migration.ts';

/**
 * Lists of builds stay as fast with ten thousand as with ten: clients always name a location, and often statuses. `origin` is
 * what a trigger gave a build besides its request, so that it can be submitted again.
 */
export const buildLists: Migration = {
  name: '0020-build-lists',
  up: [
    'create index builds_in_location on builds (project, location, created_at desc, id desc)',
    'create index builds_in_location_by_status on builds (project, location, status, created_at desc, id desc)',
    'alter table builds add column origin text',
  ],
};
