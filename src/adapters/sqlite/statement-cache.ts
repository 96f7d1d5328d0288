import type { SqliteStatement } from 'kysely';

/** Of a few hundred texts that the stores have; lists of values in a text make some that are asked once. */
const KEPT = 400;

/**
 * Prepared statements by their text. To prepare one takes twice as long as to find a row with it. A statement that failed
 * (full disk, a row that is there already) is as good as new the next time; one whose table has changed is prepared again by
 * SQLite.
 */
export class StatementCache {
  readonly #prepare: (text: string) => SqliteStatement;
  readonly #kept = new Map<string, SqliteStatement>();

  constructor(prepare: (text: string) => SqliteStatement) {
    this.#prepare = prepare;
  }

  prepare(text: string): SqliteStatement {
    const kept = this.#kept.get(text);
    const statement = kept ?? this.#prepare(text);
    if (kept !== undefined) this.#kept.delete(text);
    this.#kept.set(text, statement);
    if (this.#kept.size > KEPT)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    return statement;
  }
}
