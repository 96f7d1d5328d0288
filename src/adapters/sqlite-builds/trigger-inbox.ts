import type { Generated } from 'kysely';
import type { Delivery, TriggerInbox } from '../../builds/triggers/inbox.ts';
import type { TriggerEvent, TriggerEvents } from '../../builds/triggers/trigger-events.ts';
import type { Database } from '../sqlite/database.ts';

/** Tables of migration 0018. */
type InboxTables = {
  trigger_inbox: {
    id: Generated<number>;
    source: string;
    key: string;
    at: number;
    kind: string;
    /** Null when it was worked on. */
    body: string | null;
  };
  trigger_events: { id: Generated<number>; project: string; trigger: string; at: number; event: string };
};

export function sqliteTriggerInbox(database: Database): TriggerInbox {
  const tables = database.withTables<InboxTables>();
  return {
    accept: ({ window, ...delivery }) =>
      tables.transaction().execute(async (transaction) => {
        const known = await transaction
          .selectFrom('trigger_inbox')
          .select('id')
          .where('source', '=', delivery.source)
          .where('key', '=', delivery.key)
          .where('at', '>', delivery.at - window)
          .limit(1)
          .executeTakeFirst();
        if (known !== undefined) return undefined;
        const { insertId } = await transaction.insertInto('trigger_inbox').values(delivery).executeTakeFirstOrThrow();
        return { ...delivery, window, id: Number(insertId) };
      }),
    async pending() {
      const rows = tables.selectFrom('trigger_inbox').selectAll().where('body', 'is not', null);
      return (await rows.orderBy('id').execute()).map(
        (row) => ({ ...row, body: row.body ?? '', window: 0 }) as Delivery,
      );
    },
    async finish(id) {
      await tables.updateTable('trigger_inbox').set({ body: null }).where('id', '=', id).execute();
    },
    async forget(before) {
      await tables.deleteFrom('trigger_inbox').where('at', '<', before).where('body', 'is', null).execute();
    },
  };
}

export function sqliteTriggerEvents(database: Database): TriggerEvents {
  const tables = database.withTables<InboxTables>();
  return {
    async note(event) {
      const { project, trigger, at } = event;
      await tables
        .insertInto('trigger_events')
        .values({ project, trigger, at, event: JSON.stringify(event) })
        .execute();
    },
    async list({ project, trigger, limit }) {
      let rows = tables.selectFrom('trigger_events').select(['id', 'event']).where('project', '=', project);
      if (trigger !== undefined) rows = rows.where('trigger', '=', trigger);
      const found = await rows.orderBy('id', 'desc').limit(limit).execute();
      return found.map(({ id, event }) => ({ ...(JSON.parse(event) as TriggerEvent), id }));
    },
    async forget(before) {
      await tables.deleteFrom('trigger_events').where('at', '<', before).execute();
    },
  };
}
