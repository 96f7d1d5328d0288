import type { AccountedGroup } from '../accounting.ts';
import type { Contender } from '../contenders/contender.ts';
import type { Sample } from '../measure.ts';
import type { Upstream } from '../upstream.ts';

export interface Row {
  id: string;
  title: string;
  /** From which state every sample begins. */
  begins: string;
  /** What we want to reach; several when a row is looked at in several ways. */
  targets?: Target[];
}

/** `ours / other <= most`. */
export interface Target {
  most: number;
  /** A contender's name, the quickest of all others, or the bare work without a builder. */
  than: 'best peer' | 'floor' | (string & {});
  /** Whose clock ours is: the whole command's, or the resident server's own. */
  by: 'wall' | 'server';
  /** Which of our contenders, if not the first. */
  ours?: string;
}

/** The bare work of a row without any builder: `cp`, `tar`, `runc`. It stands among the contenders by this name. */
export const FLOOR = 'floor';

/** What a set of rows is measured on. */
export interface Field {
  upstream: Upstream;
  /** A folder for what the rows write. */
  folder: string;
  contenders: Contender[];
  /** Where the floor's commands run. */
  floor: AccountedGroup;
  /** Whether there is another round: as many as were asked for, fewer when the set's time is over, and at least one. */
  goesOn(round: number): boolean;
  signal: AbortSignal;
  /** Does something that is one contender's; once that has failed, the contender is left out of the rest of the set. */
  attempt(contender: string, work: () => Promise<void>): Promise<void>;
  /** Takes a sample of a row. */
  take(row: Row, contender: string, sample: Sample): void;
}

/** Rows that share their preparation. */
export interface RowSet {
  rows: Row[];
  /** A sample takes half a minute over all contenders. */
  costly?: boolean;
  measure(field: Field): Promise<void>;
}

/** Another one begins in every round, so that being first or last is nobody's lot. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = all.length === 0 ? 0 : round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
