import { sql } from 'kysely';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { type HeldImage, type NamedImage, type NameKeeper, STEPS_KEPT } from '../../stores/names/names.ts';
import type { Database } from './database.ts';
import { directAccess } from './direct-rows.ts';
import { inSharedCommit } from './shared-commits.ts';

interface ImageRow {
  scope: string;
  id: Digest;
  target: string;
  manifest: string;
  at: number;
}

type NameTables = {
  local_images: ImageRow & { name: string };
  held_images: ImageRow & { kind: HeldImage['kind']; parent: Digest | null };
};

const NAME = `insert into local_images (scope, name, id, target, manifest, at) values (?, ?, ?, ?, ?, ?)
  on conflict do update set id = excluded.id, target = excluded.target, manifest = excluded.manifest, at = excluded.at`;

// 'image' < 'layer' < 'step' in the alphabet, and what was only entered becomes a step
const HOLD = `insert into held_images (scope, id, target, manifest, at, kind, parent) values (?, ?, ?, ?, ?, ?, ?)
  on conflict do update set target = excluded.target, manifest = excluded.manifest, at = excluded.at,
    kind = case when 'image' in (kind, excluded.kind) then 'image' else max(kind, excluded.kind) end,
    parent = coalesce(excluded.parent, parent)`;

const LET_OLD_STEPS_GO = `delete from held_images where scope = ? and kind <> 'image' and id not in (
  select id from held_images where scope = ? and kind <> 'image' order by at desc, id limit ${STEPS_KEPT})`;

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{4,64})$/;

export function sqliteNames(database: Database): NameKeeper {
  const db = database.withTables<NameTables>();
  const { changing } = directAccess(database);
  const images = (scope: string) => db.selectFrom('local_images').selectAll().where('scope', '=', scope);
  const held = (scope: string) => db.selectFrom('held_images').selectAll().where('scope', '=', scope);

  return {
    async find(scope, name) {
      const row = await images(scope).where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : imageOf(row);
    },

    async findById(scope, idPrefix) {
      const range = idRange(idPrefix);
      if (range === undefined) return [];
      const [from, to] = range;
      const rows = await images(scope).where('id', '>=', from).where('id', '<', to).orderBy('name').execute();
      return rows.map(imageOf);
    },

    async list(scope) {
      return (await images(scope).orderBy('name').execute()).map(imageOf);
    },

    async held(scope) {
      return (await held(scope).orderBy('at').orderBy('id').execute()).map(heldOf);
    },

    async heldIds(scope) {
      const rows = await db.selectFrom('held_images').select('id').where('scope', '=', scope).execute();
      return rows.map(({ id }) => id);
    },

    async heldById(scope, idPrefix) {
      const range = idRange(idPrefix);
      if (range === undefined) return [];
      const [from, to] = range;
      return (await held(scope).where('id', '>=', from).where('id', '<', to).orderBy('id').execute()).map(heldOf);
    },

    async set(scope, name, { id, target, manifest, at }) {
      await inSharedCommit(database, () => {
        changing.run(NAME, ...[scope, name, id, JSON.stringify(target), JSON.stringify(manifest), at]);
      });
    },

    async remove(scope, name) {
      const done = await db
        .deleteFrom('local_images')
        .where('scope', '=', scope)
        .where('name', '=', name)
        .executeTakeFirst();
      return done.numDeletedRows > 0n;
    },

    async hold(scope, news, named = []) {
      const last = news.at(-1);
      if (last === undefined) return;
      await inSharedCommit(database, () => {
        for (const { id, target, manifest, at, kind, parent } of news)
          changing.run(
            HOLD,
            ...[scope, id, JSON.stringify(target), JSON.stringify(manifest), at, kind],
            parent ?? null,
          );
        for (const name of named)
          changing.run(
            NAME,
            ...[scope, name, last.id, JSON.stringify(last.target), JSON.stringify(last.manifest), last.at],
          );
        if (news.some(({ kind }) => kind !== 'image')) changing.run(LET_OLD_STEPS_GO, scope, scope);
      });
    },

    async letGo(scope, ids) {
      if (ids.length === 0) return;
      await db.deleteFrom('held_images').where('scope', '=', scope).where('id', 'in', ids).execute();
    },

    async drop(scope) {
      // '0' comes next to '/'
      for (const table of ['local_images', 'held_images'] as const)
        await db
          .deleteFrom(table)
          .where((where) =>
            where.or([
              where('scope', '=', scope),
              where.and([where('scope', '>', `${scope}/`), where('scope', '<', `${scope}0`)]),
            ]),
          )
          .execute();
    },

    async scopes() {
      const rows = await sql<{ scope: string }>`select scope from local_images
        union select scope from held_images order by scope`.execute(db);
      return rows.rows.map((row) => row.scope);
    },

    async targets() {
      const rows = await sql<{ descriptor: string }>`select target as descriptor from local_images
        union select manifest from local_images
        union select target from held_images union select manifest from held_images`.execute(db);
      return rows.rows.map((row) => JSON.parse(row.descriptor) as Descriptor);
    },
  };
}

/** From the first id that begins so to one behind the last. */
function idRange(idPrefix: string): [from: Digest, to: Digest] | undefined {
  const hex = ID_PREFIX.exec(idPrefix)?.[1];
  // 'g' comes behind every digit
  return hex === undefined ? undefined : [`sha256:${hex}`, `sha256:${hex}g`];
}

function imageOf(row: NameTables['local_images']): NamedImage {
  const { name, id, at } = row;
  return { name, id, target: JSON.parse(row.target), manifest: JSON.parse(row.manifest), at };
}

function heldOf(row: NameTables['held_images']): HeldImage {
  const { id, at, kind, parent } = row;
  const image = { id, target: JSON.parse(row.target), manifest: JSON.parse(row.manifest), at, kind };
  return parent === null ? image : { ...image, parent };
}
