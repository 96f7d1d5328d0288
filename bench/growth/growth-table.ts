import { messageOf } from '../../src/lib/problem.ts';
import type { Upstream } from '../upstream.ts';
import type { GrowingServer } from './growing-server.ts';

/** What a table of growth is measured on: our server alone. */
export interface GrowthField {
  server: GrowingServer;
  upstream: Upstream;
  /** A folder for what the tables write. */
  folder: string;
  /** Samples of a line; a costly line has fewer. */
  samples: number;
  signal: AbortSignal;
  say(text: string): void;
}

/** How the cost of one kind of work grows with its size; a line for each size. */
export interface GrowthTable<F = GrowthField> {
  title: string;
  about: string;
  columns: string[];
  lines(field: F): AsyncGenerator<(string | number)[]>;
}

/** The table as text. When a line fails, those before it stand, and the reason stands below them. */
export async function growthText<F>(
  { title, about, columns, lines }: GrowthTable<F>,
  field: F & Pick<GrowthField, 'signal' | 'say'>,
): Promise<string> {
  const text = [`### ${title}`, '', about, '', row(columns), row(columns.map(() => '--:'))];
  try {
    for await (const line of lines(field)) {
      text.push(row(line));
      field.say(`${title}: ${line.join(', ')}`);
    }
  } catch (error) {
    if (field.signal.aborted) throw error;
    field.say(`${title}: failed: ${messageOf(error)}`);
    text.push('', `- broken off: ${messageOf(error)}`);
  }
  return [...text, ''].join('\n');
}

function row(values: readonly (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}
