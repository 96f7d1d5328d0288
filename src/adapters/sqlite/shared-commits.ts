import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';

type Work = (transaction: Transaction<Record<never, never>>) => unknown;

interface Job {
  work: Work;
  resolve(result: never): void;
  reject(error: unknown): void;
}

/** So that nobody waits long for those before: a change takes half a millisecond. */
const JOBS_AT_ONCE = 16;

/**
 * Changes that are asked for at the same time share one flush of the disk, which takes longer than most changes. Each sees
 * those before it, fails alone, and is acknowledged when all are on disk.
 */
class SharedCommits {
  readonly #database: Database;
  readonly #rows: DirectRows;
  readonly #waiting: Job[] = [];
  #running = false;

  constructor(database: Database) {
    this.#database = database;
    this.#rows = directAccess(database).changing;
  }

  run(work: Work): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      if (!this.#running) void this.#commitAll();
    });
  }

  async #commitAll(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      // whoever has been woken together with the first asks now, too
      await new Promise(setImmediate);
      await this.#commit(this.#waiting.splice(0, JOBS_AT_ONCE));
    }
    this.#running = false;
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const settled: (() => void)[] = [];
    try {
      await this.#database.transaction().execute(async (transaction) => {
        for (const { work, resolve, reject } of jobs)
          try {
            const result = jobs.length === 1 ? await work(transaction) : await this.#inSavepoint(transaction, work);
            settled.push(() => resolve(result as never));
          } catch (error) {
            if (jobs.length === 1 || error instanceof TransactionLost) throw error;
            settled.push(() => reject(error));
          }
      });
    } catch (error) {
      const reason = error instanceof TransactionLost ? error.cause : error;
      for (const { reject } of jobs) reject(reason);
      return;
    }
    for (const settle of settled) settle();
  }

  async #inSavepoint(transaction: Transaction<Record<never, never>>, work: Work): Promise<unknown> {
    this.#rows.run('savepoint job');
    try {
      const result = await work(transaction);
      this.#rows.run('release job');
      return result;
    } catch (error) {
      try {
        this.#rows.run('rollback to job');
        this.#rows.run('release job');
      } catch {
        throw new TransactionLost('the transaction was rolled back', { cause: error });
      }
      throw error;
    }
  }
}

/** The failure of one has ended the transaction of all, as a full disk does. */
class TransactionLost extends Error {}

const queues = new WeakMap<object, SharedCommits>();

/**
 * As `database.transaction().execute(work)`, together with whoever asks at the same time.
 * @param work asks the transaction and nothing else: everybody waits for it
 */
export function inSharedCommit<T, Tables>(
  database: Database,
  work: (transaction: Transaction<Tables>) => T | Promise<T>,
): Promise<T> {
  const queue = queues.get(database) ?? new SharedCommits(database);
  queues.set(database, queue);
  return queue.run(work as unknown as Work) as Promise<T>;
}
