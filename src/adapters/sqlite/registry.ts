import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { JudgedVersion, ManifestPut, Origin, RegistryStore } from '../../stores/registry/registry.ts';
import { checkTag } from '../../stores/registry/tag-condition.ts';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';
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
  readonly #changing: DirectRows;
  readonly #clock: Clock;
  readonly #createOnPush: () => boolean;

  constructor(database: Database, { clock = systemClock, createOnPush = () => true }: SqliteRegistryOptions = {}) {
    super(database);
    this.#database = database;
    this.#changing = directAccess(database).changing;
    this.#clock = clock;
    this.#createOnPush = createOnPush;
  }

  async checkPush(repository: string): Promise<void> {
    destinationOf(this.rows, repository, this.#arrival('push'));
  }

  linkBlob(repository: string, digest: Digest, origin: Origin = 'push', actor = 'a push'): Promise<void> {
    return this.#write(repository, actor, (_, change) => {
      const { repositoryId } = makePlace(change, destinationOf(change.rows, repository, this.#arrival(origin)));
      linkBlobs(change.rows, repositoryId, [digest], change.now);
    });
  }

  async touchBlob(repository: string, digest: Digest): Promise<boolean> {
    const [repositoryId, linkedAt] =
      this.rows.first<[number, number]>(
        `select repository_id, linked_at from repository_blobs
          where repository_id = (select id from repositories where key = ?) and digest = ? and unlinked_at is null`,
        repository,
        digest,
      ) ?? [];
    if (repositoryId === undefined || linkedAt === undefined) return false;
    const now = this.#clock.now();
    if (now - linkedAt < RENEW_MS) return true;
    const renewed = await this.database
      .updateTable('repository_blobs')
      .set({ linked_at: now })
      .where('repository_id', '=', repositoryId)
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
    return this.#write(
      repository,
      put.actor,
      (_, change) => {
        const { rows } = change;
        const destination = destinationOf(rows, repository, this.#arrival(put.origin ?? 'push'));
        const missing = missingBlobs(rows, destination.repositoryId, put.required ?? []);
        if (missing.length > 0) return missing;
        if (put.condition !== undefined)
          for (const tag of put.tags) checkTag(tag, tagOf(rows, destination.repositoryId, tag), put.condition);
        const { repositoryId, immutableTags: immutable } = makePlace(change, destination);
        linkBlobs(rows, repositoryId, put.link ?? [], change.now);
        storeManifest({ ...change, repositoryId }, put);
        for (const name of put.tags) moveTag({ ...change, repositoryId }, { name, digest: put.digest, immutable });
        return [];
      },
      put.onDisk,
    );
  }

  setTag(repository: string, tag: string, digest: Digest, actor: string): Promise<boolean> {
    return this.#change(repository, actor, false, (_, change, { immutableTags }) => {
      if (!isLive(change.rows, change.repositoryId, digest)) return false;
      destinationOf(change.rows, repository, this.#arrival('push'));
      moveTag(change, { name: tag, digest, immutable: immutableTags });
      return true;
    });
  }

  deleteTag(repository: string, tag: string, actor: string): Promise<boolean> {
    return this.#change(repository, actor, false, (_, change, { immutableTags }) =>
      moveTag(change, { name: tag, digest: undefined, immutable: immutableTags }),
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
    work: (transaction: RegistryTransaction, change: Change, place: Place) => T | Promise<T>,
  ): Promise<T> {
    return this.#write(repository, actor, (transaction, change) => {
      const place = placeOf(change.rows, repository);
      if (place === undefined) return absent;
      return work(transaction, { ...change, repositoryId: place.repositoryId }, place);
    });
  }

  #write<T>(
    key: string,
    actor: string,
    work: (transaction: RegistryTransaction, change: Actor) => T | Promise<T>,
    onDisk?: Promise<unknown>,
  ): Promise<T> {
    return inSharedCommit(
      this.#database,
      async (transaction: RegistryTransaction) => {
        const change: Actor = { rows: this.#changing, key, actor, now: this.#clock.now(), events: [] };
        const result = await work(transaction, change);
        writeEvents(change.rows, change.events);
        return result;
      },
      onDisk,
    );
  }
}
