import type { Kysely, Selectable } from 'kysely';
import type { EventFilter, RegistryEvent } from '../../stores/registry/events.ts';
import type { DirectRows } from './direct-rows.ts';
import { type Actor, BEYOND_NAMES, type RegistryTables } from './registry-tables.ts';

const INSERT = `insert into registry_events (at, actor, action, project, repository, digest, tag, before)
  values (?, ?, ?, ?, ?, ?, ?, ?)`;

/** Rows of one deletion: a few milliseconds, for which everybody else waits. */
const DROPPED_AT_ONCE = 1000;

/** Writes events into the transaction of the change that they tell of. */
export function writeEvents(rows: DirectRows, events: Actor['events']): void {
  for (const { at, actor, action, repository, digest, tag, before } of events) {
    const project = repository.split('/')[1] ?? '';
    rows.run(INSERT, at, actor, action, project, repository, digest ?? null, tag ?? null, before ?? null);
  }
}

export async function readEvents(
  database: Kysely<RegistryTables>,
  filter: EventFilter,
  order: 'asc' | 'desc',
): Promise<RegistryEvent[]> {
  let query = database.selectFrom('registry_events').selectAll().orderBy('id', order).limit(filter.limit);
  if (filter.after !== undefined) query = query.where('id', '>', filter.after);
  const { below } = filter;
  const project = filter.project ?? projectOf(below);
  if (project !== undefined) query = query.where('project', '=', project);
  if (below !== undefined)
    query = query.where(({ and, eb, or }) =>
      or([
        eb('repository', '=', below),
        and([eb('repository', '>=', `${below}/`), eb('repository', '<', `${below}/${BEYOND_NAMES}`)]),
      ]),
    );
  return (await query.execute()).map(eventOf);
}

/** Drops the oldest, a page at a time, up to the first that is not older than `before`. */
export async function dropEvents(database: Kysely<RegistryTables>, before: number): Promise<number> {
  let dropped = 0;
  for (;;) {
    const oldest = database.selectFrom('registry_events').select('id').orderBy('id').limit(DROPPED_AT_ONCE);
    const result = await database
      .deleteFrom('registry_events')
      .where('id', 'in', oldest)
      .where('at', '<', before)
      .executeTakeFirst();
    dropped += Number(result.numDeletedRows);
    if (result.numDeletedRows < BigInt(DROPPED_AT_ONCE)) return dropped;
    await new Promise(setImmediate);
  }
}

/** What names a project finds its events by the project's index. */
function projectOf(below: string | undefined): string | undefined {
  return below?.split('/')[1];
}

function eventOf(row: Selectable<RegistryTables['registry_events']>): RegistryEvent {
  const { digest, tag, before, project: _, ...event } = row;
  return { ...event, digest: digest ?? undefined, tag: tag ?? undefined, before: before ?? undefined };
}
