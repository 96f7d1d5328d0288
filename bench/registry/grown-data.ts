import { sql } from 'kysely';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { createDataFolder, dataFolder } from '../../src/lib/data-folder.ts';
import { IMAGE, MANIFEST_TYPE } from './image.ts';

const TAGS = 100_000;
const BLOBS = 1_000_000;
/** Where names without a location lie, if slipway.yaml says nothing. */
const DEFAULT_LOCATION = 'europe-central2';

/**
 * The rows of a registry that has been in use for years: an image with 100,000 tags, each on a manifest of its own, and a
 * million blobs that these name. Rows alone: no request that is measured reads the bytes of any of them.
 */
export async function growData(data: string): Promise<void> {
  const folder = dataFolder(data);
  await createDataFolder(folder);
  const database = await openDatabase(folder.database);
  const now = Date.now();
  const key = `${DEFAULT_LOCATION}/${IMAGE}`;
  const [location, project, repository] = key.split('/');
  const path = `${location}/${project}/${repository}`;
  const random = sql`'sha256:' || lower(hex(randomblob(32)))`;
  const counted = (n: number) => sql`with recursive counted (n) as (
    select 1 union all select n + 1 from counted limit ${sql.raw(String(n))})`;
  try {
    await database.transaction().execute(async (transaction) => {
      for (const statement of [
        sql`insert into repository_settings (path, location, project, mode, immutable_tags, settings, created_at, updated_at)
          values (${path}, ${location}, ${project}, 'standard', 0, '{}', ${now}, ${now})`,
        sql`insert into repositories (id, key, created_at) values (1, ${key}, ${now})`,
        sql`insert into blobs (digest, size, added_at) ${counted(BLOBS)} select ${random}, 1000, ${now} from counted`,
        sql`insert into repository_blobs (repository_id, digest, linked_at) select 1, digest, ${now} from blobs`,
        sql`insert into manifests (id, repository_id, digest, media_type, size, created_at, renewed_at)
          ${counted(TAGS)} select n, 1, ${random}, ${MANIFEST_TYPE}, 1000, ${now}, ${now} from counted`,
        sql`insert into manifest_edges (manifest_id, digest, kind, repository_id)
          select 1 + (row_number() over () - 1) % ${sql.raw(String(TAGS))}, digest, 'blob', 1 from blobs`,
        sql`insert into tags (repository_id, name, digest, since)
          select 1, printf('grown-%06d', id), digest, ${now} from manifests`,
        sql`insert into tag_moves (repository_id, name, digest, since, actor)
          select repository_id, name, digest, since, 'bench' from tags`,
        sql`insert into registry_events (at, actor, action, project, repository, digest, tag)
          select since, 'bench', 'tag', ${project}, ${key}, digest, name from tags`,
      ])
        await statement.execute(transaction);
    });
  } finally {
    await database.destroy();
  }
}
