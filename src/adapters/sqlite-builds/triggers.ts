import type { Selectable } from 'kysely';
import type { ScheduleTimes } from '../../builds/triggers/schedules.ts';
import type { BuildTrigger } from '../../builds/triggers/trigger.ts';
import {
  MAX_TRIGGERS,
  type TriggerPage,
  type TriggerPlace,
  type TriggerRecord,
  type TriggerStore,
} from '../../builds/triggers/triggers.ts';
import { Problem } from '../../lib/problem.ts';
import type { Database } from '../sqlite/database.ts';

/** Tables of migration 0018. */
type TriggerTables = {
  triggers: {
    id: string;
    project: string;
    location: string;
    name: string;
    position: number;
    repository: string | null;
    scheduled: number;
    trigger: string;
  };
  trigger_times: { trigger: string; at: number };
};

/** Triggers as rows: the API's message as JSON, beside the columns that they are found by. */
export class SqliteTriggers implements TriggerStore {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<TriggerTables>();
  }

  async create(record: TriggerRecord): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      const { count, last } = await transaction
        .selectFrom('triggers')
        .select((select) => [select.fn.countAll<number>().as('count'), select.fn.max('position').as('last')])
        .where('project', '=', record.project)
        .executeTakeFirstOrThrow();
      if (count >= MAX_TRIGGERS)
        throw new Problem('exhausted', `project ${record.project} has ${MAX_TRIGGERS} triggers, and may have no more`);
      const result = await transaction
        .insertInto('triggers')
        .values({ ...columnsOf(record), id: record.trigger.id, position: (last ?? 0) + 1 })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (result.numInsertedOrUpdatedRows !== 1n) throw nameTaken(record);
    });
  }

  async get({ project, location }: TriggerPlace, idOrName: string): Promise<TriggerRecord | undefined> {
    const ofProject = this.#db.selectFrom('triggers').selectAll().where('project', '=', project);
    const byId = await ofProject.where('id', '=', idOrName).executeTakeFirst();
    if (byId !== undefined) return recordOf(byId);
    const row = await ofProject.where('location', '=', location).where('name', '=', idOrName).executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  async list(query: Parameters<TriggerStore['list']>[0]): Promise<TriggerPage> {
    const { project, location, limit, after } = query;
    if (after !== undefined && !/^\d{1,15}$/.test(after)) throw new Problem('invalid', 'invalid page token');
    let select = this.#db.selectFrom('triggers').selectAll().where('project', '=', project);
    if (location !== undefined) select = select.where('location', '=', location);
    if (after !== undefined) select = select.where('position', '>', Number(after));
    const rows = await select
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    const records = rows.slice(0, limit).map(recordOf);
    return rows.length > limit ? { records, next: String(rows[limit - 1]?.position) } : { records };
  }

  async ofRepository(repository: string): Promise<TriggerRecord[]> {
    const rows = this.#db.selectFrom('triggers').selectAll().where('repository', '=', repository);
    return (await rows.orderBy('project').orderBy('position').execute()).map(recordOf);
  }

  async scheduled(): Promise<TriggerRecord[]> {
    const rows = this.#db.selectFrom('triggers').selectAll().where('scheduled', '=', 1);
    return (await rows.execute()).map(recordOf);
  }

  async replace(record: TriggerRecord): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      const other = await transaction
        .selectFrom('triggers')
        .select('id')
        .where('project', '=', record.project)
        .where('location', '=', record.location)
        .where('name', '=', record.trigger.name)
        .where('id', '!=', record.trigger.id)
        .executeTakeFirst();
      if (other !== undefined) throw nameTaken(record);
      const result = await transaction
        .updateTable('triggers')
        .set(columnsOf(record))
        .where('id', '=', record.trigger.id)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    });
  }

  async remove(id: string): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('trigger_times').where('trigger', '=', id).execute();
      const result = await transaction.deleteFrom('triggers').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows === 1n;
    });
  }
}

export function sqliteScheduleTimes(database: Database): ScheduleTimes {
  const tables = database.withTables<TriggerTables>();
  return {
    async get(trigger) {
      const rows = tables.selectFrom('trigger_times').select('at').where('trigger', '=', trigger);
      return (await rows.executeTakeFirst())?.at;
    },
    async set(trigger, at) {
      await tables
        .insertInto('trigger_times')
        .values({ trigger, at })
        .onConflict((conflict) => conflict.doUpdateSet({ at }))
        .execute();
    },
  };
}

function columnsOf({ project, location, trigger }: TriggerRecord) {
  return {
    project,
    location,
    name: trigger.name,
    repository: trigger.repositoryEventConfig?.repository ?? null,
    scheduled: trigger.cron === undefined ? 0 : 1,
    trigger: JSON.stringify(trigger),
  };
}

function recordOf({ project, location, trigger }: Selectable<TriggerTables['triggers']>): TriggerRecord {
  return { project, location, trigger: JSON.parse(trigger) as BuildTrigger };
}

function nameTaken({ location, trigger }: TriggerRecord): Problem {
  return new Problem('conflict', `trigger ${trigger.name} exists already in ${location}`, {
    hint: 'Change it with gcloud builds triggers update or import, or give this one another name.',
  });
}
