import type { CommitReports } from '../../builds/triggers/commit-reports.ts';
import type { ConnectionStore } from '../../builds/triggers/connection.ts';
import type { TriggerInbox } from '../../builds/triggers/inbox.ts';
import type { ScheduleTimes } from '../../builds/triggers/schedules.ts';
import type { TriggerEvents } from '../../builds/triggers/trigger-events.ts';
import type { TriggerStore } from '../../builds/triggers/triggers.ts';
import type { Database } from '../sqlite/database.ts';
import { sqliteCommitReports } from './commit-reports.ts';
import { SqliteConnections } from './connections.ts';
import { sqliteTriggerEvents, sqliteTriggerInbox } from './trigger-inbox.ts';
import { SqliteTriggers, sqliteScheduleTimes } from './triggers.ts';

/** All that triggers keep; the owner's alone. */
export interface TriggerRows {
  triggers: TriggerStore;
  inbox: TriggerInbox;
  events: TriggerEvents;
  times: ScheduleTimes;
  reports: CommitReports;
  connections: ConnectionStore;
}

export function sqliteTriggerRows(database: Database): TriggerRows {
  return {
    triggers: new SqliteTriggers(database),
    inbox: sqliteTriggerInbox(database),
    events: sqliteTriggerEvents(database),
    times: sqliteScheduleTimes(database),
    reports: sqliteCommitReports(database),
    connections: new SqliteConnections(database),
  };
}
