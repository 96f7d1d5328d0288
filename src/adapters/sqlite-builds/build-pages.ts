import { type Kysely, type Selectable, sql } from 'kysely';
import { BUILD_STATUSES, type BuildStatus } from '../../builds/build.ts';
import { type NarrowedFilter, narrowFilter } from '../../builds/narrow-filter.ts';
import type { BuildQuery } from '../../builds/records.ts';

export type BuildTables = {
  builds: {
    id: string;
    project: string;
    location: string;
    status: string;
    created_at: number;
    actor: string;
    build: string;
    request: string;
    origin: string | null;
  };
};

export type BuildRow = Selectable<BuildTables['builds']>;

/** Behind which build a page begins. */
export interface BuildCursor {
  createdAt: number;
  id: string;
}

/**
 * Rows in the order of lists, newest first, that may pass the query's filter; which do is for the caller to see. Each status is
 * asked for by itself, because an index has its rows in order only then: among ten thousand builds the two that run are found
 * as fast as the newest ones.
 */
export async function buildPage(
  db: Kysely<BuildTables>,
  query: BuildQuery,
  after: BuildCursor | undefined,
  limit: number,
): Promise<BuildRow[]> {
  const narrowed = narrowFilter(query.filter);
  const every = narrowed.statuses.length === BUILD_STATUSES.length;
  const asked = every ? [undefined] : narrowed.statuses;
  const pages = await Promise.all(asked.map((status) => pageOf(db, query, narrowed, status, after, limit)));
  return pages.length === 1 ? (pages[0] ?? []) : pages.flat().sort(newestFirst).slice(0, limit);
}

function pageOf(
  db: Kysely<BuildTables>,
  { project, location }: BuildQuery,
  { id, from, to, texts }: NarrowedFilter,
  status: BuildStatus | undefined,
  after: BuildCursor | undefined,
  limit: number,
): Promise<BuildRow[]> {
  let select = db.selectFrom('builds').selectAll().where('project', '=', project);
  if (location !== undefined) select = select.where('location', '=', location);
  if (status !== undefined) select = select.where('status', '=', status);
  if (id !== undefined) select = select.where('id', '=', id);
  if (from !== undefined) select = select.where('created_at', '>=', from);
  if (to !== undefined) select = select.where('created_at', '<=', to);
  for (const text of texts) select = select.where(sql<boolean>`instr(build, ${JSON.stringify(text)}) > 0`);
  if (after !== undefined)
    // as a comparison of rows it is a range of the index; written out with OR it is not
    select = select.where(sql<boolean>`(created_at, id) < (${after.createdAt}, ${after.id})`);
  return select.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
}

function newestFirst(a: BuildRow, b: BuildRow): number {
  return b.created_at - a.created_at || (a.id < b.id ? 1 : -1);
}
