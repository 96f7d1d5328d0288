import { type Kysely, sql, type Transaction } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { ManifestPut, Page, RegistryStore, StoredManifest, Tag, TagMove } from '../../stores/registry/registry.ts';
import type { Database } from './database.ts';
import { forgetManifest, linkBlobs, moveTag, type RegistryTables, storeManifest } from './registry-writes.ts';

/** Bound parameters of one statement; SQLite's own limit is 32766. */
const DIGESTS_PER_STATEMENT = 500;

/** A link younger than this is not written again: a push asks about each of its blobs several times. */
const RENEW_MS = 10 * 60_000;

/** The registry's rows. Only the owner process has one; manifest PUT is one transaction. */
export class SqliteRegistry implements RegistryStore {
  readonly #database: Kysely<RegistryTables>;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock = systemClock) {
    this.#database = database.withTables<RegistryTables>();
    this.#clock = clock;
  }

  async exists(repository: string): Promise<boolean> {
    const row = await this.#database.selectFrom('repositories').select('id').where('key', '=', repository).limit(1);
    return (await row.executeTakeFirst()) !== undefined;
  }

  async repositories(page: Page, prefix = ''): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('repositories')
      .select('key')
      .where('key', '>', page.after ?? '')
      .where('key', '>=', prefix)
      // the first text beyond all that begin with the prefix: no character of a name sorts behind U+10FFFF
      .where('key', '<', `${prefix}\u{10ffff}`)
      .orderBy('key')
      .limit(page.limit)
      .execute();
    return rows.map((row) => row.key);
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    return (await this.missingBlobs(repository, [digest])).length === 0;
  }

  missingBlobs(repository: string, digests: Digest[]): Promise<Digest[]> {
    return missingBlobs(this.#database, repository, digests);
  }

  async repositoriesOfBlob(digest: Digest): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('repository_blobs')
      .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
      .select('repositories.key')
      .where('repository_blobs.digest', '=', digest)
      .orderBy('repositories.key')
      .execute();
    return rows.map((row) => row.key);
  }

  async userOf(repository: string, digest: Digest): Promise<Digest | undefined> {
    const row = await this.#database
      .selectFrom('manifest_edges')
      .innerJoin('manifests', 'manifests.id', 'manifest_edges.manifest_id')
      .innerJoin('repositories', 'repositories.id', 'manifests.repository_id')
      .select('manifests.digest')
      .where('manifest_edges.digest', '=', digest)
      .where('repositories.key', '=', repository)
      .limit(1)
      .executeTakeFirst();
    return row?.digest;
  }

  async manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const all = this.#manifestsOf(repository);
    const one = isDigest(reference)
      ? all.where('manifests.digest', '=', reference)
      : all
          .innerJoin('tags', (join) =>
            join
              .onRef('tags.repository_id', '=', 'manifests.repository_id')
              .onRef('tags.digest', '=', 'manifests.digest'),
          )
          .where('tags.name', '=', reference);
    const row = await one.executeTakeFirst();
    return row === undefined ? undefined : storedManifest(row);
  }

  async manifests(repository: string, page: Page): Promise<StoredManifest[]> {
    const rows = await this.#manifestsOf(repository)
      .where('manifests.digest', '>', (page.after ?? '') as Digest)
      .orderBy('manifests.digest')
      .limit(page.limit)
      .execute();
    return rows.map(storedManifest);
  }

  async tags(repository: string, page: Page): Promise<Tag[]> {
    return this.#database
      .selectFrom('tags')
      .innerJoin('repositories', 'repositories.id', 'tags.repository_id')
      .select(['tags.name', 'tags.digest', 'tags.since'])
      .where('repositories.key', '=', repository)
      .where('tags.name', '>', page.after ?? '')
      .orderBy('tags.name')
      .limit(page.limit)
      .execute();
  }

  async tagsOf(repository: string, digest: Digest): Promise<string[]> {
    const rows = await this.#database
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
    const rows = await this.#database
      .selectFrom('tag_moves')
      .innerJoin('repositories', 'repositories.id', 'tag_moves.repository_id')
      .select(['name', 'digest', 'since', 'until', 'actor', 'ended_by'])
      .where('repositories.key', '=', repository)
      .where('name', '=', tag)
      .orderBy('tag_moves.id', 'desc')
      .execute();
    return rows.map(({ ended_by, until, ...move }) => ({
      ...move,
      until: until ?? undefined,
      endedBy: ended_by ?? undefined,
    }));
  }

  async referrers(repository: string, subject: Digest, artifactType?: string): Promise<StoredManifest[]> {
    const all = this.#manifestsOf(repository).where('manifests.subject', '=', subject).orderBy('manifests.id');
    const wanted = artifactType === undefined ? all : all.where('manifests.artifact_type', '=', artifactType);
    return (await wanted.execute()).map(storedManifest);
  }

  linkBlob(repository: string, digest: Digest): Promise<void> {
    return this.#write(async (transaction, now) => {
      await linkBlobs(transaction, await ensureRepository(transaction, repository, now), [digest], now);
    });
  }

  async touchBlob(repository: string, digest: Digest): Promise<boolean> {
    const link = await this.#database
      .selectFrom('repository_blobs')
      .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
      .select(['repository_id', 'linked_at'])
      .where('repositories.key', '=', repository)
      .where('repository_blobs.digest', '=', digest)
      .executeTakeFirst();
    if (link === undefined) return false;
    const now = this.#clock.now();
    if (now - link.linked_at < RENEW_MS) return true;
    const renewed = await this.#database
      .updateTable('repository_blobs')
      .set({ linked_at: now })
      .where('repository_id', '=', link.repository_id)
      .where('digest', '=', digest)
      .executeTakeFirst();
    return renewed.numUpdatedRows > 0n; // it may have been dropped between the two statements
  }

  unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    return this.#write(async (transaction) => {
      const repositoryId = await repositoryIdOf(transaction, repository);
      if (repositoryId === undefined) return false;
      const result = await transaction
        .deleteFrom('repository_blobs')
        .where('repository_id', '=', repositoryId)
        .where('digest', '=', digest)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    });
  }

  putManifest(repository: string, put: ManifestPut): Promise<Digest[]> {
    return this.#write(async (transaction, now) => {
      const missing = await missingBlobs(transaction, repository, put.required ?? []);
      if (missing.length > 0) return missing;
      const repositoryId = await ensureRepository(transaction, repository, now);
      await linkBlobs(transaction, repositoryId, put.link ?? [], now);
      await storeManifest(transaction, repositoryId, put, now);
      for (const tag of put.tags) await moveTag(transaction, repositoryId, tag, put.digest, put.actor, now);
      return [];
    });
  }

  deleteTag(repository: string, tag: string, actor: string): Promise<boolean> {
    return this.#write(async (transaction, now) => {
      const repositoryId = await repositoryIdOf(transaction, repository);
      if (repositoryId === undefined) return false;
      return moveTag(transaction, repositoryId, tag, undefined, actor, now);
    });
  }

  deleteManifest(repository: string, digest: Digest, actor: string): Promise<boolean> {
    return this.#write(async (transaction, now) => {
      const repositoryId = await repositoryIdOf(transaction, repository);
      if (repositoryId === undefined) return false;
      return forgetManifest(transaction, repositoryId, digest, actor, now);
    });
  }

  async dropUnusedLinks(before: number): Promise<number> {
    const result = await sql`delete from repository_blobs where linked_at < ${before} and not exists (
      select 1 from manifest_edges join manifests on manifests.id = manifest_edges.manifest_id
      where manifest_edges.digest = repository_blobs.digest and manifests.repository_id = repository_blobs.repository_id
    )`.execute(this.#database);
    return Number(result.numAffectedRows ?? 0n);
  }

  /** Those of these digests that a manifest is, that a manifest names, or that a repository links. */
  async claimed(digests: Digest[]): Promise<Digest[]> {
    const claimed = new Set<Digest>();
    for (const part of portions(digests)) {
      for (const table of ['manifests', 'manifest_edges', 'repository_blobs'] as const) {
        const rows = await this.#database.selectFrom(table).select('digest').distinct().where('digest', 'in', part);
        for (const row of await rows.execute()) claimed.add(row.digest);
      }
    }
    return [...claimed];
  }

  #manifestsOf(repository: string) {
    return this.#database
      .selectFrom('manifests')
      .innerJoin('repositories', 'repositories.id', 'manifests.repository_id')
      .where('repositories.key', '=', repository)
      .select([
        'manifests.digest',
        'manifests.media_type',
        'manifests.size',
        'manifests.artifact_type',
        'manifests.annotations',
        'manifests.subject',
        'manifests.created_at',
      ]);
  }

  #write<T>(work: (transaction: Transaction<RegistryTables>, now: number) => Promise<T>): Promise<T> {
    return this.#database.transaction().execute((transaction) => work(transaction, this.#clock.now()));
  }
}

async function missingBlobs(
  database: Kysely<RegistryTables>,
  repository: string,
  digests: Digest[],
): Promise<Digest[]> {
  const present = new Set<string>();
  for (const part of portions(digests)) {
    const rows = await database
      .selectFrom('repository_blobs')
      .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
      .select('repository_blobs.digest')
      .where('repositories.key', '=', repository)
      .where('repository_blobs.digest', 'in', part)
      .execute();
    for (const row of rows) present.add(row.digest);
  }
  return digests.filter((digest) => !present.has(digest));
}

async function repositoryIdOf(database: Kysely<RegistryTables>, key: string): Promise<number | undefined> {
  const row = await database.selectFrom('repositories').select('id').where('key', '=', key).executeTakeFirst();
  return row?.id;
}

async function ensureRepository(transaction: Transaction<RegistryTables>, key: string, now: number): Promise<number> {
  const known = await repositoryIdOf(transaction, key);
  if (known !== undefined) return known;
  const made = await transaction
    .insertInto('repositories')
    .values({ key, created_at: now })
    .returning('id')
    .executeTakeFirstOrThrow();
  return made.id;
}

function storedManifest(row: Omit<RegistryTables['manifests'], 'id' | 'repository_id'>): StoredManifest {
  return {
    digest: row.digest,
    mediaType: row.media_type,
    size: row.size,
    artifactType: row.artifact_type ?? undefined,
    annotations: row.annotations === null ? undefined : (JSON.parse(row.annotations) as Record<string, string>),
    subject: row.subject ?? undefined,
    createdAt: row.created_at,
  };
}

function* portions(digests: Digest[]): Generator<Digest[]> {
  for (let i = 0; i < digests.length; i += DIGESTS_PER_STATEMENT) yield digests.slice(i, i + DIGESTS_PER_STATEMENT);
}
