import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { JudgedVersion, ManifestPut, Origin, RegistryStore } from '../../stores/registry/registry.ts';
import type { Database } from './database.ts';
import { bringBack, hideManifest, hideVersions, unlinkBlob } from './registry-deletes.ts';
import { dropEvents } from './registry-events.ts';
import { dropUnusedLinks, forgetDeleted } from './registry-forget.ts';
import { checkPush, type Place, placeForArrival, placeOf } from './registry-place.ts';
import { SqliteRegistryReader } from './registry-reads.ts';
import { imageIdOf, isLive, missingBlobs } from './registry-rows.ts';
import type { Change, RegistryTransaction } from './registry-tables.ts';
import { linkBlobs, moveTag, storeManifest } from './registry-writes.ts';

/** A link younger than this is not written again: a push asks about each of its blobs several times. */
const RENEW_MS = 10 * 60_000;

export interface SqliteRegistryOptions {
  clock?: Clock;
  /** Whether a push makes the repository that it names; always when absent. */
  createOnPush?: () => boolean;
}

/** The registry's rows. Only the owner process has one; manifest PUT is one transaction. */
export class SqliteRegistry extends SqliteRegistryReader implements RegistryStore {
  readonly #clock: Clock;
  readonly #createOnPush: () => boolean;

  constructor(database: Database, { clock = systemClock, createOnPush = () => true }: SqliteRegistryOptions = {}) {
    super(database);
    this.#clock = clock;
    this.#createOnPush = createOnPush;
  }

  checkPush(repository: string): Promise<void> {
    return checkPush(this.database, repository, this.#createOnPush());
  }

  linkBlob(repository: string, digest: Digest, origin: Origin = 'push', actor = 'a push'): Promise<void> {
    return this.#write(async (transaction, now) => {
      const place = await this.#arrive(transaction, { key: repository, origin, actor, now });
      await linkBlobs(transaction, place.repositoryId, [digest], now);
    });
  }

  async touchBlob(repository: string, digest: Digest): Promise<boolean> {
    const link = await this.database
      .selectFrom('repository_blobs')
      .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
      .select(['repository_id', 'linked_at'])
      .where('repositories.key', '=', repository)
      .where('repository_blobs.digest', '=', digest)
      .where('unlinked_at', 'is', null)
      .executeTakeFirst();
    if (link === undefined) return false;
    const now = this.#clock.now();
    if (now - link.linked_at < RENEW_MS) return true;
    const renewed = await this.database
      .updateTable('repository_blobs')
      .set({ linked_at: now })
      .where('repository_id', '=', link.repository_id)
      .where('digest', '=', digest)
      .where('unlinked_at', 'is', null)
      .executeTakeFirst();
    return renewed.numUpdatedRows > 0n; // it may have been dropped between the two statements
  }

  unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    return this.#write(async (transaction, now) => {
      const repositoryId = await imageIdOf(transaction, repository);
      return repositoryId !== undefined && unlinkBlob(transaction, repositoryId, digest, now);
    });
  }

  putManifest(repository: string, put: ManifestPut): Promise<Digest[]> {
    return this.#write(async (transaction, now) => {
      const missing = await missingBlobs(transaction, repository, put.required ?? []);
      if (missing.length > 0) return missing;
      const { actor, origin = 'push' } = put;
      const place = await this.#arrive(transaction, { key: repository, origin, actor, now });
      const change: Change = { repositoryId: place.repositoryId, key: repository, actor, now };
      await linkBlobs(transaction, place.repositoryId, put.link ?? [], now);
      await storeManifest(transaction, change, put);
      for (const name of put.tags)
        await moveTag(transaction, change, { name, digest: put.digest, immutable: place.immutableTags });
      return [];
    });
  }

  setTag(repository: string, tag: string, digest: Digest, actor: string): Promise<boolean> {
    return this.#write(async (transaction, now) => {
      const repositoryId = await imageIdOf(transaction, repository);
      if (repositoryId === undefined || !(await isLive(transaction, repositoryId, digest))) return false;
      const place = await this.#arrive(transaction, { key: repository, origin: 'push', actor, now });
      const change: Change = { repositoryId: place.repositoryId, key: repository, actor, now };
      await moveTag(transaction, change, { name: tag, digest, immutable: place.immutableTags });
      return true;
    });
  }

  deleteTag(repository: string, tag: string, actor: string): Promise<boolean> {
    return this.#change(repository, actor, false, (transaction, change, { immutableTags }) =>
      moveTag(transaction, change, { name: tag, digest: undefined, immutable: immutableTags }),
    );
  }

  deleteManifest(repository: string, digest: Digest, actor: string): Promise<boolean> {
    return this.#change(repository, actor, false, (transaction, change, { immutableTags }) =>
      hideManifest(transaction, change, digest, immutableTags),
    );
  }

  deleteVersions(repository: string, versions: JudgedVersion[], actor: string): Promise<Digest[]> {
    return this.#change<Digest[]>(repository, actor, [], (transaction, change, { immutableTags }) =>
      hideVersions(transaction, change, versions, immutableTags),
    );
  }

  undelete(repository: string, digest: Digest, actor: string): Promise<string[] | undefined> {
    return this.#change<string[] | undefined>(repository, actor, undefined, (transaction, change) =>
      bringBack(transaction, change, digest),
    );
  }

  forgetDeleted(before: number): Promise<number> {
    return forgetDeleted(this.database, before);
  }

  dropUnusedLinks(before: number): Promise<number> {
    return dropUnusedLinks(this.database, before);
  }

  dropEvents(before: number): Promise<number> {
    return dropEvents(this.database, before);
  }

  #arrive(
    transaction: RegistryTransaction,
    arrival: { key: string; origin: Origin; actor: string; now: number },
  ): Promise<Place> {
    return placeForArrival(transaction, { ...arrival, createOnPush: this.#createOnPush() });
  }

  /** A change to an image that is there, else `absent`. */
  #change<T>(
    repository: string,
    actor: string,
    absent: T,
    work: (transaction: RegistryTransaction, change: Change, place: Place) => Promise<T>,
  ): Promise<T> {
    return this.#write(async (transaction, now) => {
      const place = await placeOf(transaction, repository);
      if (place === undefined) return absent;
      return work(transaction, { repositoryId: place.repositoryId, key: repository, actor, now }, place);
    });
  }

  #write<T>(work: (transaction: RegistryTransaction, now: number) => Promise<T>): Promise<T> {
    return this.database.transaction().execute((transaction) => work(transaction, this.#clock.now()));
  }
}
