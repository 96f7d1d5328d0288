import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';

type Work = (transaction: Transaction<Record<never, never>>) => unknown;

interface Job {
  work: Work;
  onDisk: Promise<unknown> | undefined;
  resolve(result: never): void;
  reject(error: unknown): void;
}

/** So that nobody waits long for those before: a change takes a tenth of a millisecond. */
const JOBS_AT_ONCE = 64;
/** After so many, whatever else goes on has its turn, such as the files that the commit waits for. */
const JOBS_IN_A_ROW = 4;

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

  run(work: Work, onDisk: Promise<unknown> | undefined): Promise<unknown> {
    onDisk?.catch(() => undefined); // it is asked for when the rows are written, which may be later
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, onDisk, resolve, reject });
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
        for (const [i, { work, resolve, reject }] of jobs.entries())
          try {
            if (i % JOBS_IN_A_ROW === JOBS_IN_A_ROW - 1) await new Promise(setImmediate);
            const result = jobs.length === 1 ? await work(transaction) : await this.#inSavepoint(transaction, work);
            settled.push(() => resolve(result as never));
          } catch (error) {
            if (jobs.length === 1 || error instanceof TransactionLost) throw error;
            settled.push(() => reject(error));
          }
        await allOnDisk(jobs);
      });
    } catch (error) {
      if (error instanceof NotOnDisk) return this.#withoutLost(jobs, error.lost);
      const reason = error instanceof TransactionLost ? error.cause : error;
      for (const { reject } of jobs) reject(reason);
      return;
    }
    for (const settle of settled) settle();
  }

  /** None of their rows may stay, and those of the others came after them: these are written again. */
  async #withoutLost(jobs: readonly Job[], lost: ReadonlyMap<Job, unknown>): Promise<void> {
    for (const [{ reject }, reason] of lost) reject(reason);
    const others = jobs.filter((job) => !lost.has(job));
    if (others.length > 0) await this.#commit(others);
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

/** What some of the changes speak of could not be written. */
class NotOnDisk extends Error {
  readonly lost: ReadonlyMap<Job, unknown>;

  constructor(lost: ReadonlyMap<Job, unknown>) {
    super('files of a change could not be written');
    this.lost = lost;
  }
}

/** @throws NotOnDisk */
async function allOnDisk(jobs: readonly Job[]): Promise<void> {
  const lost = new Map<Job, unknown>();
  for (const job of jobs)
    if (job.onDisk !== undefined) await job.onDisk.catch((reason: unknown) => lost.set(job, reason));
  if (lost.size > 0) throw new NotOnDisk(lost);
}

const queues = new WeakMap<object, SharedCommits>();

/**
 * As `database.transaction().execute(work)`, together with whoever asks at the same time.
 * @param work asks the transaction and nothing else: everybody waits for it; it may be called again when the transaction
 *   had to be given up for somebody else
 * @param onDisk the files that the change speaks of: they are written while the rows are, and the commit waits for them.
 *   When they fail, so does the change
 */
export function inSharedCommit<T, Tables>(
  database: Database,
  work: (transaction: Transaction<Tables>) => T | Promise<T>,
  onDisk?: Promise<unknown>,
): Promise<T> {
  const queue = queues.get(database) ?? new SharedCommits(database);
  queues.set(database, queue);
  return queue.run(work as unknown as Work, onDisk) as Promise<T>;
}
