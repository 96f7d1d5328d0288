import type { Contender } from '../contenders/contender.ts';
import type { Sample } from '../measure.ts';
import type { Upstream } from '../upstream.ts';

export interface Row {
  id: string;
  title: string;
  /** From which state every sample begins. */
  begins: string;
}

/** What a set of rows is measured on. */
export interface Field {
  upstream: Upstream;
  /** A folder for what the rows write. */
  folder: string;
  contenders: Contender[];
  rounds: number;
  signal: AbortSignal;
  /** Takes a sample of a row. */
  take(row: Row, contender: Contender, sample: Sample): void;
}

/** Rows that share their preparation. */
export interface RowSet {
  rows: Row[];
  measure(field: Field): Promise<void>;
}

/** Another one begins in every round, so that being first or last is nobody's lot. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = all.length === 0 ? 0 : round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
