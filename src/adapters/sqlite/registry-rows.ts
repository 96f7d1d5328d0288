import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { StoredManifest } from '../../stores/registry/registry.ts';
import type { DirectRows } from './direct-rows.ts';
import type { RegistryTables } from './registry-tables.ts';

/** An image's row; undefined when nothing was ever pushed there. */
export function imageIdOf(rows: DirectRows, key: string): number | undefined {
  return rows.first<[number]>('select id from repositories where key = ?', key)?.[0];
}

/** @param repositoryId undefined: nothing was ever pushed there */
export function missingBlobs(rows: DirectRows, repositoryId: number | undefined, digests: readonly Digest[]): Digest[] {
  if (repositoryId === undefined || digests.length === 0) return [...digests];
  const found = rows.first<[string]>(
    `select json_group_array(value) from json_each(?) where not exists (select 1 from repository_blobs
      where repository_id = ? and digest = value and unlinked_at is null)`,
    JSON.stringify(digests),
    repositoryId,
  );
  return JSON.parse(found?.[0] ?? '[]') as Digest[];
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

/** The values of `MANIFEST_COLUMNS`, in their order. */
export type ManifestValues = [
  digest: Digest,
  mediaType: string,
  size: number,
  artifactType: string | null,
  annotations: string | null,
  subject: Digest | null,
  createdAt: number,
  renewedAt: number,
];

export function manifestOf(values: ManifestValues): StoredManifest {
  const [digest, media_type, size, artifact_type, annotations, subject, created_at, renewed_at] = values;
  return storedManifest({ digest, media_type, size, artifact_type, annotations, subject, created_at, renewed_at });
}

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
export function isLive(rows: DirectRows, imageId: number, digest: Digest): boolean {
  const text = 'select 1 from manifests where repository_id = ? and digest = ? and deleted_at is null';
  return rows.first(text, imageId, digest) !== undefined;
}
