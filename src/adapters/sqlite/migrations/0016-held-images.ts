import type { Migration } from './migration.ts';

/** Images that a scope has with or without a name; what had one before is among them. */
export const heldImages: Migration = {
  name: '0016-held-images',
  up: [
    `create table held_images (
      scope text not null,
      id text not null,
      target text not null,
      manifest text not null,
      at integer not null,
      kind text not null,
      parent text,
      primary key (scope, id)
    ) strict, without rowid`,
    `insert or ignore into held_images (scope, id, target, manifest, at, kind)
      select scope, id, target, manifest, at, 'image' from local_images where scope not like '%/%'`,
  ],
};
