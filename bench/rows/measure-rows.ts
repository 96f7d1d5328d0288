import { messageOf } from '../../src/lib/problem.ts';
import type { Sample } from '../measure.ts';
import { type Results, rowTable } from '../report.ts';
import type { Field, Row, RowSet } from './row.ts';

/** Samples of a costly row when nobody asks for more. */
const COSTLY_SAMPLES = 3;

/** So many characters of an error are kept, from its end: what the program said last. */
const SAID = 300;

export interface RowsOptions extends Pick<Field, 'upstream' | 'folder' | 'contenders' | 'floor' | 'signal'> {
  samples: number;
  /** As many samples of costly rows as of all others, however long it takes. */
  full: boolean;
  /** Milliseconds for all sets together; unless `full`, sets that would take longer have fewer samples, and at least one. */
  withinMs: number;
  say(text: string): void;
}

/** Measures the sets one after the other and gives a table for each row. What fails is said in its tables, and the rest goes on. */
export async function measureRows(sets: readonly RowSet[], options: RowsOptions): Promise<string[]> {
  const deadline = performance.now() + options.withinMs;
  const tables: string[] = [];
  for (const [i, set] of sets.entries()) {
    const share = (deadline - performance.now()) / (sets.length - i);
    tables.push(...(await measureSet(set, options, performance.now() + share)));
  }
  return tables;
}

async function measureSet(set: RowSet, options: RowsOptions, until: number): Promise<string[]> {
  const { samples, full, say, ...on } = options;
  const results: Results = new Map();
  const failures = new Map<string, string>();
  const rounds = set.costly === true && !full ? Math.min(samples, COSTLY_SAMPLES) : samples;
  const note = (name: string, error: unknown) => {
    if (options.signal.aborted) throw error;
    const ids = set.rows.map(({ id }) => id).join(', ');
    say(`${ids} ${name}: failed: ${messageOf(error)}`);
    failures.set(name, messageOf(error).replaceAll('\n', ' ').slice(-SAID));
  };
  const field: Field = {
    ...on,
    goesOn: (round) => round === 0 || (round < rounds && (full || performance.now() < until)),
    take(row, name, sample) {
      record(results, row, name, sample);
      const server = sample.serverMs === undefined ? '' : `, by the server's clock ${sample.serverMs.toFixed(1)} ms`;
      say(`${row.id} ${name}: ${Math.round(sample.wallMs)} ms${server}`);
    },
    async attempt(name, work) {
      if (failures.has(name)) return;
      await work().catch((error: unknown) => note(name, error));
    },
  };
  await set.measure(field).catch((error: unknown) => note('what all share', error));
  const failed = [...failures].map(
    ([name, message]) => `- ${name} failed here and was left out from then on: ${message}`,
  );
  return set.rows.map((row) => rowTable(row, results, failed));
}

function record(results: Results, row: Row, name: string, sample: Sample): void {
  const contenders = results.get(row.id) ?? new Map<string, Sample[]>();
  results.set(row.id, contenders);
  const samples = contenders.get(name) ?? [];
  contenders.set(name, samples);
  samples.push(sample);
}
