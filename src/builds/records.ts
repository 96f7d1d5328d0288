import type { Build, BuildStatus } from './build.ts';
import type { BuildFilter } from './filter.ts';
import type { TriggerValues } from './request/built-ins.ts';
import type { BuildRequest } from './request/request.ts';

/** A build and the request as it came, before substitution: `retry` starts from the latter. */
export interface BuildRecord {
  build: Build;
  request: BuildRequest;
  /** Who asked, for the audit trail. */
  actor: string;
  /** Of a trigger's build: what `request` leaves open, and `retry` needs again. */
  trigger?: { id: string; values: TriggerValues } | undefined;
}

export interface BuildQuery {
  project: string;
  /** Absent: everywhere. */
  location?: string | undefined;
  filter?: BuildFilter | undefined;
  /** Between 1 and 1000. */
  limit: number;
  /** `next` of the page before. */
  after?: string | undefined;
}

export interface BuildPage {
  builds: Build[];
  /** Absent on the last page. */
  next?: string | undefined;
}

/** What may change after creation. */
export type BuildChange = Partial<
  Pick<
    Build,
    | 'status'
    | 'statusDetail'
    | 'startTime'
    | 'finishTime'
    | 'steps'
    | 'results'
    | 'timing'
    | 'failureInfo'
    | 'sourceProvenance'
    | 'warnings'
    | 'approval'
  >
>;

/**
 * The builds of a data folder. Everything that goes in and out is JSON, since build processes reach it through the owner.
 */
export interface BuildRecords {
  /** Durable when it resolves. @throws Problem `conflict` when the id is taken */
  create(record: BuildRecord): Promise<void>;
  get(id: string): Promise<BuildRecord | undefined>;
  /** Every project that ever had a build: clients name projects by number, and only names can be turned into numbers. */
  projects(): Promise<string[]>;
  /** Newest first. @throws Problem `invalid` when `after` is no page token */
  list(query: BuildQuery): Promise<BuildPage>;
  /**
   * Applies a change if the build's status is one of `expected` (compare and set, so a cancel and an end never both win)
   * and if the life of a build allows the step (build.ts); otherwise undefined. A WORKING build may change as WORKING.
   */
  update(id: string, expected: readonly BuildStatus[], change: BuildChange): Promise<Build | undefined>;
}
