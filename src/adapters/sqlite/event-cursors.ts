import type { EventCursors } from '../../stores/notify/cursors.ts';
import type { Database } from './database.ts';

/** The table of migration 0015. */
type CursorTables = { event_cursors: { reader: string; event: number } };

export function sqliteEventCursors(database: Database): EventCursors {
  const tables = database.withTables<CursorTables>();
  return {
    async get(reader) {
      const rows = tables.selectFrom('event_cursors').select('event').where('reader', '=', reader);
      return (await rows.executeTakeFirst())?.event;
    },
    async set(reader, event) {
      await tables
        .insertInto('event_cursors')
        .values({ reader, event })
        .onConflict((conflict) => conflict.doUpdateSet({ event }))
        .execute();
    },
  };
}
