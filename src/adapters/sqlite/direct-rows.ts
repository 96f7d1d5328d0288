import type Libsql from 'libsql';
import { diskProblem } from '../../lib/disk-problem.ts';

export type Value = string | number | null;

/** Of some dozens that the stores have; none of them is made up as it goes. */
const KEPT = 200;

/**
 * The rows of one connection without a builder of queries between, for what every pull and every push asks: kysely takes
 * several times as long to compose a query and to wait its turn as SQLite does to find a row. A statement is prepared once
 * and answers at once; rows come as arrays, in the order of the columns.
 */
export class DirectRows {
  readonly #connection: Libsql.Database;
  readonly #folder: string;
  readonly #statements = new Map<string, Libsql.Statement>();

  /** @param folder the data folder, for what a full disk is told about */
  constructor(connection: Libsql.Database, folder: string) {
    this.#connection = connection;
    this.#folder = folder;
  }

  /** The first row. @throws Problem `exhausted` on a full disk */
  first<Row extends Value[]>(text: string, ...values: Value[]): Row | undefined {
    try {
      return this.#statement(text).get(values) as Row | undefined;
    } catch (error) {
      throw diskProblem(error, this.#folder);
    }
  }

  /** @returns how many rows were changed. @throws as `first` */
  run(text: string, ...values: Value[]): number {
    try {
      return this.#statement(text).run(values).changes;
    } catch (error) {
      throw diskProblem(error, this.#folder);
    }
  }

  #statement(text: string): Libsql.Statement {
    const kept = this.#statements.get(text);
    if (kept !== undefined) return kept;
    if (this.#statements.size >= KEPT) throw new Error(`statements are made up as it goes: ${text}`);
    const statement = this.#connection.prepare(text);
    if (statement.reader) statement.raw(true);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** Two ways to the rows of one database. */
export interface DirectAccess {
  /** What is committed, whatever transaction is under way: nobody waits for one, and nobody sees half of it. */
  committed: DirectRows;
  /** Inside of a transaction alone: what is asked here belongs to whichever is under way. */
  changing: DirectRows;
}

const known = new WeakMap<object, DirectAccess>();

/** Said once by whoever opens a database. */
export function giveDirectAccess(database: object, access: DirectAccess): void {
  known.set(database, access);
}

/** @param database as it was opened */
export function directAccess(database: object): DirectAccess {
  const access = known.get(database);
  if (access === undefined) throw new Error('nobody gave direct access to this database');
  return access;
}
