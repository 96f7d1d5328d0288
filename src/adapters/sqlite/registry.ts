import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { JudgedVersion, ManifestPut, Origin, RegistryStore } from '../../stores/registry/registry.ts';
import { checkTag } from '../../stores/registry/tag-condition.ts';
import type { Database } from './database.ts';
import { bringBack, hideManifest, hideVersions, unlinkBlob } from './registry-deletes.ts';
import { dropEvents, writeEvents } from './registry-events.ts';
import { dropUnusedLinks, forgetDeleted } from './registry-forget.ts';
import { type Arrival, destinationOf, makePlace, type Place, placeOf } from './registry-place.ts';
import { SqliteRegistryReader } from './registry-reads.ts';
import { isLive, missingBlobs } from './registry-rows.ts';
import type { Actor, Change, RegistryTransaction } from './registry-tables.ts';
import { linkBlobs, moveTag, storeManifest, tagOf } from './registry-writes.ts';
import { inSharedCommit } from './shared-commits.ts';

/** A link younger than this is not written again: a push asks about each of its blobs several times. */
const RENEW_MS = 10 * 60_000;

export interface SqliteRegistryOptions {
  clock?: Clock;
  /** Whether a push makes the repository that it names; always when absent. */
  createOnPush?: () => boolean;
}

/** The registry's rows. Only the owner process has one; manifest PUT is one transaction. */
export class SqliteRegistry extends SqliteRegistryReader implements RegistryStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #createOnPush: () => boolean;

  constructor(database: Database, { clock = systemClock, createOnPush = () => true }: SqliteRegistryOptions = {}) {
    super(database);
    this.#database = database;
    this.#clock = clock;
    this.#createOnPush = createOnPush;
  }

  async checkPush(repository: string): Promise<void> {
    await destinationOf(this.database, repository, this.#arrival('push'));
  }

  linkBlob(repository: string, digest: Digest, origin: Origin = 'push', actor = 'a push'): Promise<void> {
    return this.#write(repository, actor, async (transaction, change) => {
      const destination = await destinationOf(transaction, repository, this.#arrival(origin));
      const { repositoryId } = await makePlace(transaction, change, destination);
      await linkBlobs(transaction, repositoryId, [digest], change.now);
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
    return this.#change(repository, '', false, (transaction, { repositoryId, now }) =>
      unlinkBlob(transaction, repositoryId, digest, now),
    );
  }

  putManifest(repository: string, put: ManifestPut): Promise<Digest[]> {
    return this.#write(repository, put.actor, async (transaction, change) => {
      const destination = await destinationOf(transaction, repository, this.#arrival(put.origin ?? 'push'));
      const missing = await missingBlobs(transaction, destination.repositoryId, put.required ?? []);
      if (missing.length > 0) return missing;
      if (put.condition !== undefined)
        for (const tag of put.tags)
          checkTag(tag, await tagOf(transaction, destination.repositoryId, tag), put.condition);
      const { repositoryId, immutableTags } = await makePlace(transaction, change, destination);
      await linkBlobs(transaction, repositoryId, put.link ?? [], change.now);
      await storeManifest(transaction, { ...change, repositoryId }, put);
      for (const name of put.tags)
        await moveTag(transaction, { ...change, repositoryId }, { name, digest: put.digest, immutable: immutableTags });
      return [];
    });
  }

  setTag(repository: string, tag: string, digest: Digest, actor: string): Promise<boolean> {
    return this.#change(repository, actor, false, async (transaction, change, { immutableTags }) => {
      if (!(await isLive(transaction, change.repositoryId, digest))) return false;
      await destinationOf(transaction, repository, this.#arrival('push'));
      await moveTag(transaction, change, { name: tag, digest, immutable: immutableTags });
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

  #arrival(origin: Origin): Arrival {
    return { origin, createOnPush: this.#createOnPush() };
  }

  /** A change to an image that is there, else `absent`. */
  #change<T>(
    repository: string,
    actor: string,
    absent: T,
    work: (transaction: RegistryTransaction, change: Change, place: Place) => Promise<T>,
  ): Promise<T> {
    return this.#write(repository, actor, async (transaction, change) => {
      const place = await placeOf(transaction, repository);
      if (place === undefined) return absent;
      return work(transaction, { ...change, repositoryId: place.repositoryId }, place);
    });
  }

  #write<T>(
    key: string,
    actor: string,
    work: (transaction: RegistryTransaction, change: Actor) => Promise<T>,
  ): Promise<T> {
    return inSharedCommit(this.#database, async (transaction: RegistryTransaction) => {
      const change: Actor = { key, actor, now: this.#clock.now(), events: [] };
      const result = await work(transaction, change);
      await writeEvents(transaction, change.events);
      return result;
    });
  }
}
