import type { Generated, Selectable } from 'kysely';
import { type Build, type BuildStatus, locationOf, mayBecome } from '../../builds/build.ts';
import { matchesFilter, possibleStatuses } from '../../builds/filter.ts';
import type { BuildQueue } from '../../builds/queue/queue.ts';
import type { BuildChange, BuildPage, BuildQuery, BuildRecord, BuildRecords } from '../../builds/records.ts';
import { Problem } from '../../lib/problem.ts';
import type { Database } from './database.ts';

type BuildTables = {
  builds: {
    id: string;
    project: string;
    location: string;
    status: string;
    created_at: number;
    actor: string;
    build: string;
    request: string;
  };
  build_queue: { position: Generated<number>; id: string; expires_at: number; worker: string | null };
};

/** Rows read at a time while a filter is applied; a page of gcloud holds 20 builds. */
const CHUNK = 100;

/** Builds as rows: the API's message as JSON, beside the columns that lists are narrowed by. */
export class SqliteBuilds implements BuildRecords {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<BuildTables>();
  }

  async create(record: BuildRecord): Promise<void> {
    const { build, request, actor } = record;
    const result = await this.#db
      .insertInto('builds')
      .values({
        id: build.id,
        project: build.projectId,
        location: locationOf(build),
        status: build.status,
        created_at: Date.parse(build.createTime),
        actor,
        build: JSON.stringify(build),
        request: JSON.stringify(request),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows !== 1n)
      throw new Problem('conflict', `there is a build with the id ${build.id} already`);
  }

  async get(id: string): Promise<BuildRecord | undefined> {
    const row = await this.#db.selectFrom('builds').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : { build: buildOf(row), request: JSON.parse(row.request), actor: row.actor };
  }

  async projects(): Promise<string[]> {
    const rows = await this.#db.selectFrom('builds').select('project').distinct().orderBy('project').execute();
    return rows.map((row) => row.project);
  }

  async list(query: BuildQuery): Promise<BuildPage> {
    const found: Build[] = [];
    let cursor = query.after === undefined ? undefined : readCursor(query.after);
    for (;;) {
      const rows = await this.#page(query, cursor);
      for (const row of rows) {
        const build = buildOf(row);
        if (!matchesFilter(build, query.filter)) continue;
        if (found.length === query.limit) return { builds: found, next: writeCursor(cursor) };
        found.push(build);
        cursor = { createdAt: row.created_at, id: row.id };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < CHUNK) return { builds: found };
      if (found.length < query.limit) cursor = { createdAt: last.created_at, id: last.id };
      else return this.#lastPage(query, found, cursor, last);
    }
  }

  /** A full page whose chunk ended with it: whether more follow is known only after looking. */
  async #lastPage(query: BuildQuery, builds: Build[], cursor: Cursor | undefined, last: Row): Promise<BuildPage> {
    const rest = await this.list({
      ...query,
      limit: 1,
      after: writeCursor({ createdAt: last.created_at, id: last.id }),
    });
    return rest.builds.length === 0 ? { builds } : { builds, next: writeCursor(cursor) };
  }

  #page(query: BuildQuery, cursor: Cursor | undefined): Promise<Row[]> {
    let select = this.#db.selectFrom('builds').selectAll().where('project', '=', query.project);
    if (query.location !== undefined) select = select.where('location', '=', query.location);
    if (query.filter !== undefined) select = select.where('status', 'in', [...possibleStatuses(query.filter)]);
    if (cursor !== undefined)
      select = select.where((where) =>
        where.or([
          where('created_at', '<', cursor.createdAt),
          where.and([where('created_at', '=', cursor.createdAt), where('id', '<', cursor.id)]),
        ]),
      );
    return select.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(CHUNK).execute();
  }

  async update(id: string, expected: readonly BuildStatus[], change: BuildChange): Promise<Build | undefined> {
    return this.#db.transaction().execute(async (transaction) => {
      const row = await transaction.selectFrom('builds').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return undefined;
      const before = buildOf(row);
      if (!expected.includes(before.status)) return undefined;
      const after = { ...before, ...change };
      if ((change.status ?? before.status) !== before.status && !mayBecome(before.status, after.status))
        return undefined;
      await transaction
        .updateTable('builds')
        .set({ status: after.status, build: JSON.stringify(after) })
        .where('id', '=', id)
        .execute();
      return after;
    });
  }
}

type Row = Selectable<BuildTables['builds']>;

function buildOf(row: Row): Build {
  return JSON.parse(row.build) as Build;
}

interface Cursor {
  createdAt: number;
  id: string;
}

function writeCursor(cursor: Cursor | undefined): string | undefined {
  return cursor && Buffer.from(`${cursor.createdAt}:${cursor.id}`).toString('base64url');
}

function readCursor(text: string): Cursor {
  const match = /^(\d{1,15}):(.+)$/.exec(Buffer.from(text, 'base64url').toString('utf8'));
  if (match?.[1] === undefined || match[2] === undefined) throw new Problem('invalid', 'invalid page token');
  return { createdAt: Number(match[1]), id: match[2] };
}

/** The queue as rows: order by insertion, a claim is a worker's name in the row. */
export class SqliteBuildQueue implements BuildQueue {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<BuildTables>();
  }

  async enqueue(id: string, expiresAt: number): Promise<void> {
    await this.#db.insertInto('build_queue').values({ id, expires_at: expiresAt, worker: null }).execute();
  }

  async claim(worker: string, now: number): Promise<string | undefined> {
    return this.#db.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('build_queue')
        .select('id')
        .where('worker', 'is', null)
        .where('expires_at', '>', now)
        .orderBy('position')
        .limit(1)
        .executeTakeFirst();
      if (row !== undefined)
        await transaction.updateTable('build_queue').set({ worker }).where('id', '=', row.id).execute();
      return row?.id;
    });
  }

  async withdraw(id: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('build_queue')
      .where('id', '=', id)
      .where('worker', 'is', null)
      .executeTakeFirst();
    return result.numDeletedRows === 1n;
  }

  async finish(id: string): Promise<void> {
    await this.#db.deleteFrom('build_queue').where('id', '=', id).execute();
  }

  async expire(now: number): Promise<string[]> {
    const rows = await this.#db
      .deleteFrom('build_queue')
      .where('worker', 'is', null)
      .where('expires_at', '<=', now)
      .returning('id')
      .execute();
    return rows.map((row) => row.id);
  }

  async claims(): Promise<{ id: string; worker: string }[]> {
    const rows = await this.#db
      .selectFrom('build_queue')
      .select(['id', 'worker'])
      .where('worker', 'is not', null)
      .execute();
    return rows.map(({ id, worker }) => ({ id, worker: worker ?? '' }));
  }

  async nextExpiry(): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('build_queue')
      .select((select) => select.fn.min('expires_at').as('at'))
      .where('worker', 'is', null)
      .executeTakeFirst();
    return row?.at ?? undefined;
  }
}
