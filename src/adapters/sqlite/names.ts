import { sql } from 'kysely';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import type { NamedImage, NameKeeper } from '../../stores/names/names.ts';
import type { Database } from './database.ts';

type NameTables = {
  local_images: { scope: string; name: string; id: Digest; target: string; manifest: string; at: number };
};

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{4,64})$/;

export function sqliteNames(database: Database): NameKeeper {
  const db = database.withTables<NameTables>();
  const images = (scope: string) => db.selectFrom('local_images').selectAll().where('scope', '=', scope);

  return {
    async find(scope, name) {
      const row = await images(scope).where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : imageOf(row);
    },

    async findById(scope, idPrefix) {
      const hex = ID_PREFIX.exec(idPrefix)?.[1];
      if (hex === undefined) return [];
      const from = `sha256:${hex}` as Digest;
      const to = `sha256:${hex}g` as Digest; // behind every digit
      const rows = await images(scope).where('id', '>=', from).where('id', '<', to).orderBy('name').execute();
      return rows.map(imageOf);
    },

    async list(scope) {
      return (await images(scope).orderBy('name').execute()).map(imageOf);
    },

    async set(scope, name, { id, target, manifest, at }) {
      const row = { id, target: JSON.stringify(target), manifest: JSON.stringify(manifest), at };
      await db
        .insertInto('local_images')
        .values({ scope, name, ...row })
        .onConflict((conflict) => conflict.doUpdateSet(row))
        .execute();
    },

    async remove(scope, name) {
      const done = await db
        .deleteFrom('local_images')
        .where('scope', '=', scope)
        .where('name', '=', name)
        .executeTakeFirst();
      return done.numDeletedRows > 0n;
    },

    async drop(scope) {
      await db.deleteFrom('local_images').where('scope', '=', scope).execute();
    },

    async scopes() {
      const rows = await db.selectFrom('local_images').select('scope').distinct().orderBy('scope').execute();
      return rows.map((row) => row.scope);
    },

    async targets() {
      const rows = await sql<{ descriptor: string }>`select target as descriptor from local_images
        union select manifest from local_images`.execute(db);
      return rows.rows.map((row) => JSON.parse(row.descriptor) as Descriptor);
    },
  };
}

function imageOf(row: NameTables['local_images']): NamedImage {
  const { name, id, at } = row;
  return { name, id, target: JSON.parse(row.target), manifest: JSON.parse(row.manifest), at };
}
