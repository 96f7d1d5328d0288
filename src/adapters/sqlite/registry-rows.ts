import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { StoredManifest } from '../../stores/registry/registry.ts';
import type { RegistryTables } from './registry-tables.ts';

/** Bound parameters of one statement; SQLite's own limit is 32766. */
const DIGESTS_PER_STATEMENT = 500;

export function* portions<T>(values: readonly T[], size = DIGESTS_PER_STATEMENT): Generator<T[]> {
  for (let i = 0; i < values.length; i += size) yield values.slice(i, i + size);
}

export async function imageIdOf(database: Kysely<RegistryTables>, key: string): Promise<number | undefined> {
  const row = await database.selectFrom('repositories').select('id').where('key', '=', key).executeTakeFirst();
  return row?.id;
}

/** @param repositoryId undefined: nothing was ever pushed there */
export async function missingBlobs(
  database: Kysely<RegistryTables>,
  repositoryId: number | undefined,
  digests: readonly Digest[],
): Promise<Digest[]> {
  const present = new Set<string>();
  if (repositoryId !== undefined)
    for (const part of portions(digests)) {
      const rows = await database
        .selectFrom('repository_blobs')
        .select('digest')
        .where('repository_id', '=', repositoryId)
        .where('digest', 'in', part)
        .where('unlinked_at', 'is', null)
        .execute();
      for (const row of rows) present.add(row.digest);
    }
  return digests.filter((digest) => !present.has(digest));
}

/**
 * Those of these digests that a manifest is, that a manifest names, or that a repository links. A base layer is named by
 * thousands of manifests, so each is looked for and none are counted.
 */
export async function claimedDigests(database: Kysely<RegistryTables>, digests: readonly Digest[]): Promise<Digest[]> {
  const { rows } = await sql<{ digest: Digest }>`
    select value as digest from json_each(${JSON.stringify(digests)}) where
      exists (select 1 from manifest_edges where manifest_edges.digest = value)
      or exists (select 1 from manifests where manifests.digest = value)
      or exists (select 1 from repository_blobs where repository_blobs.digest = value)`.execute(database);
  return [...new Set(rows.map((row) => row.digest))];
}

export const MANIFEST_COLUMNS = [
  'manifests.digest',
  'manifests.media_type',
  'manifests.size',
  'manifests.artifact_type',
  'manifests.annotations',
  'manifests.subject',
  'manifests.created_at',
  'manifests.renewed_at',
] as const;

export type ManifestRow = Pick<
  RegistryTables['manifests'],
  'digest' | 'media_type' | 'size' | 'artifact_type' | 'annotations' | 'subject' | 'created_at' | 'renewed_at'
>;

export function storedManifest(row: ManifestRow): StoredManifest {
  return {
    digest: row.digest,
    mediaType: row.media_type,
    size: row.size,
    artifactType: row.artifact_type ?? undefined,
    annotations: row.annotations === null ? undefined : (JSON.parse(row.annotations) as Record<string, string>),
    subject: row.subject ?? undefined,
    createdAt: row.created_at,
    renewedAt: row.renewed_at,
  };
}

/** Whether the image has this manifest, and it was not deleted. */
export async function isLive(database: Kysely<RegistryTables>, imageId: number, digest: Digest): Promise<boolean> {
  const row = await database
    .selectFrom('manifests')
    .select('id')
    .where('repository_id', '=', imageId)
    .where('digest', '=', digest)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}
