import type { BuildTrigger } from './trigger.ts';

export interface TriggerPlace {
  project: string;
  location: string;
}

export interface TriggerRecord extends TriggerPlace {
  trigger: BuildTrigger;
}

export interface TriggerPage {
  records: TriggerRecord[];
  /** Absent on the last page. */
  next?: string | undefined;
}

/** The hosted service's quota. */
export const MAX_TRIGGERS = 300;

/** The triggers of a data folder. A name is unique in its project and location; an id everywhere. */
export interface TriggerStore {
  /** @throws Problem `conflict` when the name is taken, `exhausted` beyond MAX_TRIGGERS in a project */
  create(record: TriggerRecord): Promise<void>;
  /** By id, in any location of the project, or by name in this one. */
  get(place: TriggerPlace, idOrName: string): Promise<TriggerRecord | undefined>;
  /** In the order of creation. @throws Problem `invalid` when `after` is no page token */
  list(query: {
    project: string;
    /** Absent: all. */
    location?: string | undefined;
    limit: number;
    after?: string | undefined;
  }): Promise<TriggerPage>;
  /** Those that wait for events of a repository (its resource name). */
  ofRepository(repository: string): Promise<TriggerRecord[]>;
  /** Those with a schedule, of all projects. */
  scheduled(): Promise<TriggerRecord[]>;
  /** @returns false when it is gone. @throws Problem `conflict` when the new name is taken */
  replace(record: TriggerRecord): Promise<boolean>;
  remove(id: string): Promise<boolean>;
}

/** What the states of its builds stand under at a commit. */
export function contextOf({ trigger }: TriggerRecord): string {
  return `slipway/${trigger.name}`;
}

/** As a source of deliveries. */
export function sourceOfTrigger({ project, trigger }: TriggerRecord): string {
  return `${project}/${trigger.id}`;
}
