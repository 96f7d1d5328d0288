import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import type { Claim } from '../../stores/content/content.ts';
import type { EventFilter, RegistryEvent } from '../../stores/registry/events.ts';
import type {
  DeletedManifest,
  Page,
  RegistryReader,
  RegistrySize,
  RegistryVersion,
  StoredManifest,
  Tag,
  TagMove,
} from '../../stores/registry/registry.ts';
import type { KeepTimes } from '../../stores/registry/roots.ts';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';
import { explainClaims } from './registry-claims.ts';
import { readEvents } from './registry-events.ts';
import {
  claimedDigests,
  imageIdOf,
  MANIFEST_COLUMNS,
  type ManifestValues,
  manifestOf,
  missingBlobs,
  storedManifest,
} from './registry-rows.ts';
import { registrySize } from './registry-size.ts';
import { BEYOND_NAMES, type RegistryTables } from './registry-tables.ts';
import { SizeMemo } from './size-memo.ts';

const OF_IMAGE = `select ${MANIFEST_COLUMNS.join(', ')} from manifests`;
const BY_DIGEST = `${OF_IMAGE} where repository_id = (select id from repositories where key = ?)
  and digest = ? and deleted_at is null`;
const BY_TAG = `${OF_IMAGE} join tags on tags.repository_id = manifests.repository_id and tags.digest = manifests.digest
  where tags.repository_id = (select id from repositories where key = ?) and tags.name = ? and deleted_at is null`;

/** What the registry's rows say. */
export class SqliteRegistryReader implements RegistryReader {
  protected readonly database: Kysely<RegistryTables>;
  readonly #sizes: SizeMemo;
  /** What is committed, for the questions of every pull and push. */
  protected readonly rows: DirectRows;

  constructor(database: Database) {
    const tables = database.withTables<RegistryTables>();
    this.database = tables;
    this.#sizes = new SizeMemo((repositoryOrPrefix) => registrySize(tables, repositoryOrPrefix));
    this.rows = directAccess(database).committed;
  }

  async exists(repository: string): Promise<boolean> {
    return imageIdOf(this.rows, repository) !== undefined;
  }

  async repositories(page: Page, prefix = ''): Promise<string[]> {
    const rows = await this.database
      .selectFrom('repositories')
      .select('key')
      .where('key', '>', page.after ?? '')
      .where('key', '>=', prefix)
      .where('key', '<', `${prefix}${BEYOND_NAMES}`)
      .orderBy('key')
      .limit(page.limit)
      .execute();
    return rows.map((row) => row.key);
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const text = `select 1 from repository_blobs
      where repository_id = (select id from repositories where key = ?) and digest = ? and unlinked_at is null`;
    return this.rows.first(text, repository, digest) !== undefined;
  }

  async missingBlobs(repository: string, digests: Digest[]): Promise<Digest[]> {
    return missingBlobs(this.rows, imageIdOf(this.rows, repository), digests);
  }

  async repositoriesOfBlob(digest: Digest): Promise<string[]> {
    const rows = await this.database
      .selectFrom('repository_blobs')
      .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
      .select('repositories.key')
      .where('repository_blobs.digest', '=', digest)
      .where('repository_blobs.unlinked_at', 'is', null)
      .where('repositories.removed_at', 'is', null)
      .orderBy('repositories.key')
      .execute();
    return rows.map((row) => row.key);
  }

  async userOf(repository: string, digest: Digest): Promise<Digest | undefined> {
    const row = await this.database
      .selectFrom('manifest_edges')
      .innerJoin('manifests', 'manifests.id', 'manifest_edges.manifest_id')
      .innerJoin('repositories', 'repositories.id', 'manifest_edges.repository_id')
      .select('manifests.digest')
      .where('manifest_edges.digest', '=', digest)
      .where('manifest_edges.deleted', '=', 0)
      .where('repositories.key', '=', repository)
      .limit(1)
      .executeTakeFirst();
    return row?.digest;
  }

  async manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const row = this.rows.first<ManifestValues>(isDigest(reference) ? BY_DIGEST : BY_TAG, repository, reference);
    return row === undefined ? undefined : manifestOf(row);
  }

  async manifests(repository: string, page: Page): Promise<StoredManifest[]> {
    const rows = await this.#manifestsOf(repository)
      .where('manifests.digest', '>', (page.after ?? '') as Digest)
      .orderBy('manifests.digest')
      .limit(page.limit)
      .execute();
    return rows.map(storedManifest);
  }

  async versions(repository: string, page: Page): Promise<RegistryVersion[]> {
    const manifests = await this.manifests(repository, page);
    if (manifests.length === 0) return [];
    const digests = JSON.stringify(manifests.map((manifest) => manifest.digest));
    const id = imageIdOf(this.rows, repository) ?? null;
    const tags = await sql<{ digest: Digest; name: string }>`select digest, name from tags
      where repository_id = ${id} and digest in (select value from json_each(${digests}))`.execute(this.database);
    const children = await sql<{ parent: Digest; digest: Digest }>`
      select m.digest as parent, e.digest from manifests m join manifest_edges e on e.manifest_id = m.id
      where m.repository_id = ${id} and m.digest in (select value from json_each(${digests})) and e.kind = 'child'`.execute(
      this.database,
    );
    const pulls = await sql<{ digest: Digest; last_pulled: number; pinned_at: number | null }>`
      select digest, last_pulled, pinned_at from upstream_pulls
      where repository = ${repository} and digest in (select value from json_each(${digests}))`.execute(this.database);
    const versions = new Map<Digest, RegistryVersion>(
      manifests.map((manifest) => [manifest.digest, { ...manifest, tags: [], children: [] }]),
    );
    for (const { digest, name } of tags.rows) versions.get(digest)?.tags.push(name);
    // not by the statement: to have them in order, it would go through all tags of the image by name
    for (const { tags } of versions.values()) tags.sort();
    for (const { parent, digest } of children.rows) versions.get(parent)?.children.push(digest);
    for (const { digest, last_pulled, pinned_at } of pulls.rows) {
      const version = versions.get(digest);
      if (version !== undefined)
        versions.set(digest, { ...version, lastPulled: last_pulled, pinnedAt: pinned_at ?? undefined });
    }
    return [...versions.values()];
  }

  async tags(repository: string, page: Page): Promise<Tag[]> {
    return this.database
      .selectFrom('tags')
      .innerJoin('repositories', 'repositories.id', 'tags.repository_id')
      .select(['tags.name', 'tags.digest', 'tags.since'])
      .where('repositories.key', '=', repository)
      .where('tags.name', '>', page.after ?? '')
      .orderBy('tags.name')
      .limit(page.limit)
      .execute();
  }

  /** In one row, because fetching thousands of rows takes ten times as long as finding them; no name has a line's end. */
  async tagNames(repository: string, page: Page): Promise<string[]> {
    const found = this.rows.first<[string | null]>(
      `select group_concat(name, char(10)) from (select name from tags
        where repository_id = (select id from repositories where key = ?) and name > ? order by name limit ?)`,
      repository,
      page.after ?? '',
      page.limit,
    );
    return found?.[0]?.split('\n') ?? [];
  }

  async tagsOf(repository: string, digest: Digest): Promise<string[]> {
    const rows = await this.database
      .selectFrom('tags')
      .innerJoin('repositories', 'repositories.id', 'tags.repository_id')
      .select('tags.name')
      .where('repositories.key', '=', repository)
      .where('tags.digest', '=', digest)
      .orderBy('tags.name')
      .execute();
    return rows.map((row) => row.name);
  }

  async history(repository: string, tag: string): Promise<TagMove[]> {
    const rows = await this.database
      .selectFrom('tag_moves')
      .innerJoin('repositories', 'repositories.id', 'tag_moves.repository_id')
      .select(['name', 'digest', 'since', 'until', 'actor', 'ended_by'])
      .where('repositories.key', '=', repository)
      .where('name', '=', tag)
      .orderBy('tag_moves.id', 'desc')
      .execute();
    return rows.map(tagMove);
  }

  async tagAt(repository: string, tag: string, at: number): Promise<TagMove | undefined> {
    const row = await this.database
      .selectFrom('tag_moves')
      .innerJoin('repositories', 'repositories.id', 'tag_moves.repository_id')
      .select(['name', 'digest', 'since', 'until', 'actor', 'ended_by'])
      .where('repositories.key', '=', repository)
      .where('name', '=', tag)
      .where('since', '<=', at)
      .where((where) => where.or([where('until', 'is', null), where('until', '>', at)]))
      .orderBy('tag_moves.id', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? undefined : tagMove(row);
  }

  tagged(tag: string, prefix = ''): Promise<{ repository: string; digest: Digest; since: number }[]> {
    return this.database
      .selectFrom('tags')
      .innerJoin('repositories', 'repositories.id', 'tags.repository_id')
      .select(['repositories.key as repository', 'tags.digest', 'tags.since'])
      .where('tags.name', '=', tag)
      .where('repositories.key', '>=', prefix)
      .where('repositories.key', '<', `${prefix}${BEYOND_NAMES}`)
      .orderBy('repositories.key')
      .execute();
  }

  async referrers(repository: string, subject: Digest, artifactType?: string): Promise<StoredManifest[]> {
    const all = this.#manifestsOf(repository).where('manifests.subject', '=', subject).orderBy('manifests.id');
    const wanted = artifactType === undefined ? all : all.where('manifests.artifact_type', '=', artifactType);
    return (await wanted.execute()).map(storedManifest);
  }

  async deleted(repository: string): Promise<DeletedManifest[]> {
    const rows = await this.database
      .selectFrom('manifests')
      .innerJoin('repositories', 'repositories.id', 'manifests.repository_id')
      .where('repositories.key', '=', repository)
      .where('manifests.deleted_at', 'is not', null)
      .select([...MANIFEST_COLUMNS, 'manifests.deleted_at', 'manifests.deleted_by', 'manifests.deleted_tags'])
      .orderBy('manifests.deleted_at', 'desc')
      .orderBy('manifests.id', 'desc')
      .execute();
    return rows.map((row) => ({
      ...storedManifest(row),
      deletedAt: row.deleted_at ?? 0,
      deletedBy: row.deleted_by ?? '',
      tags: JSON.parse(row.deleted_tags ?? '[]') as string[],
    }));
  }

  size(repositoryOrPrefix: string): Promise<RegistrySize> {
    return this.#sizes.size(repositoryOrPrefix);
  }

  events(filter: EventFilter): Promise<RegistryEvent[]> {
    return readEvents(this.database, filter, 'asc');
  }

  latestEvents(filter: Omit<EventFilter, 'after'>): Promise<RegistryEvent[]> {
    return readEvents(this.database, filter, 'desc');
  }

  /** Those of these digests that a manifest is, deleted ones included, that one names, or that a repository links. */
  claimed(digests: Digest[]): Promise<Digest[]> {
    return claimedDigests(this.database, digests);
  }

  explainClaims(digests: Digest[], keep: KeepTimes): Promise<Claim[]> {
    return explainClaims(this.database, digests, keep);
  }

  #manifestsOf(repository: string) {
    return this.database
      .selectFrom('manifests')
      .innerJoin('repositories', 'repositories.id', 'manifests.repository_id')
      .where('repositories.key', '=', repository)
      .where('manifests.deleted_at', 'is', null)
      .select(MANIFEST_COLUMNS);
  }
}

function tagMove({
  ended_by,
  until,
  ...move
}: Omit<TagMove, 'until' | 'endedBy'> & { until: number | null; ended_by: string | null }): TagMove {
  return { ...move, until: until ?? undefined, endedBy: ended_by ?? undefined };
}
