import type { Digest } from '../../images/digest.ts';

/**
 * What happened to a registry, one row for each change, written in the transaction of the change: the audit trail, and
 * what webhooks are sent from. Rows are only ever added; housekeeping drops those older than `retention.eventDays`.
 */
export interface RegistryEvent {
  /** Rises by one or more with each event; a reader remembers the last it has seen. */
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  /** Who did it: token id, `build ID`, `owner`, `cleanup policy ID`, `upstream HOST`. */
  actor: string;
  action: RegistryAction;
  /** `LOCATION/PROJECT/REPOSITORY/IMAGE...`, or without image for a repository's own events. */
  repository: string;
  digest?: Digest | undefined;
  tag?: string | undefined;
  /** Of a moved tag: what it meant before. */
  before?: Digest | undefined;
}

export type RegistryAction =
  | 'push' // a manifest that was not there
  | 'tag' // a tag set or moved
  | 'untag'
  | 'delete' // a manifest
  | 'undelete'
  | 'create-repository'
  | 'update-repository'
  | 'delete-repository';

export interface EventFilter {
  /** Exclusive. */
  after?: number | undefined;
  project?: string | undefined;
  /** `LOCATION/PROJECT`, with a repository, or with an image as well: its own events and those of what lies below it. */
  below?: string | undefined;
  limit: number;
}

export interface RegistryEvents {
  /** In order. */
  events(filter: EventFilter): Promise<RegistryEvent[]>;
  /** The latest, newest first. */
  latestEvents(filter: Omit<EventFilter, 'after'>): Promise<RegistryEvent[]>;
  dropEvents(before: number): Promise<number>;
}
