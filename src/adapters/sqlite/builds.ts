import type { Kysely } from 'kysely';
import { type Build, type BuildStatus, locationOf, mayBecome } from '../../builds/build.ts';
import { matchesFilter } from '../../builds/filter.ts';
import type { BuildChange, BuildPage, BuildQuery, BuildRecord, BuildRecords } from '../../builds/records.ts';
import { Problem } from '../../lib/problem.ts';
import { writeBuildEvent } from '../sqlite-builds/build-events.ts';
import { type BuildCursor, type BuildRow, type BuildTables, buildPage } from '../sqlite-builds/build-pages.ts';
import type { Database } from './database.ts';

/** Rows read at a time while a filter is applied; a page of gcloud holds 20 builds. */
const CHUNK = 100;

/** Builds as rows: the API's message as JSON, beside the columns that lists are narrowed by. */
export class SqliteBuilds implements BuildRecords {
  readonly #db;
  readonly #told: boolean;

  /** @param told whether somebody is to be told of transitions (builds/notify/build-events.ts) */
  constructor(database: Database, { told }: { told: boolean } = { told: false }) {
    this.#db = database.withTables<BuildTables>();
    this.#told = told;
  }

  create(record: BuildRecord): Promise<void> {
    if (!this.#told) return this.#insert(this.#db, record);
    return this.#db.transaction().execute(async (transaction) => {
      await this.#insert(transaction, record);
      await writeBuildEvent(transaction, Date.now(), JSON.stringify(record.build));
    });
  }

  async #insert(db: Kysely<BuildTables>, { build, request, actor, trigger }: BuildRecord): Promise<void> {
    const result = await db
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
        origin: trigger === undefined ? null : JSON.stringify(trigger),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows !== 1n)
      throw new Problem('conflict', `there is a build with the id ${build.id} already`);
  }

  async get(id: string): Promise<BuildRecord | undefined> {
    const row = await this.#db.selectFrom('builds').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      build: buildOf(row),
      request: JSON.parse(row.request),
      actor: row.actor,
      ...(row.origin === null ? {} : { trigger: JSON.parse(row.origin) }),
    };
  }

  async projects(): Promise<string[]> {
    const rows = await this.#db.selectFrom('builds').select('project').distinct().orderBy('project').execute();
    return rows.map((row) => row.project);
  }

  async list(query: BuildQuery): Promise<BuildPage> {
    const found: Build[] = [];
    let cursor = query.after === undefined ? undefined : readCursor(query.after);
    for (;;) {
      const rows = await buildPage(this.#db, query, cursor, CHUNK);
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
  async #lastPage(
    query: BuildQuery,
    builds: Build[],
    cursor: BuildCursor | undefined,
    last: BuildRow,
  ): Promise<BuildPage> {
    const rest = await this.list({
      ...query,
      limit: 1,
      after: writeCursor({ createdAt: last.created_at, id: last.id }),
    });
    return rest.builds.length === 0 ? { builds } : { builds, next: writeCursor(cursor) };
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
      const json = JSON.stringify(after);
      await transaction.updateTable('builds').set({ status: after.status, build: json }).where('id', '=', id).execute();
      if (this.#told && after.status !== before.status) await writeBuildEvent(transaction, Date.now(), json);
      return after;
    });
  }
}

function buildOf(row: BuildRow): Build {
  return JSON.parse(row.build) as Build;
}

function writeCursor(cursor: BuildCursor | undefined): string | undefined {
  return cursor && Buffer.from(`${cursor.createdAt}:${cursor.id}`).toString('base64url');
}

function readCursor(text: string): BuildCursor {
  const match = /^(\d{1,15}):(.+)$/.exec(Buffer.from(text, 'base64url').toString('utf8'));
  if (match?.[1] === undefined || match[2] === undefined) throw new Problem('invalid', 'invalid page token');
  return { createdAt: Number(match[1]), id: match[2] };
}
