import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AccountedGroup } from '../accounting.ts';
import { measureRows } from '../rows/measure-rows.ts';
import type { Upstream } from '../upstream.ts';
import { startEngines } from './engine.ts';
import type { DockerRow } from './rows.ts';

export interface DockerField {
  upstream: Upstream;
  folder: string;
  samples: number;
  /** What took part, for the head of the tables. */
  versions: string[];
  signal: AbortSignal;
  say(text: string): void;
  /** To be done when everything has been measured, or nothing more can be. */
  until(end: () => Promise<void>): void;
}

/** Of all rows together. */
const ROWS_MS = 5 * 60_000;

/** Our docker door and dockerd, asked by the same docker in turn. */
export async function measureDocker(rows: readonly DockerRow[], field: DockerField): Promise<string[]> {
  const folder = join(field.folder, 'docker-door');
  await mkdir(folder);
  const engines = await startEngines(folder, field.versions, field.until);
  const floor = await AccountedGroup.create('floor');
  field.until(() => floor.end());
  const { upstream, samples, signal, say } = field;
  const sets = rows.map((row) => ({
    rows: [row],
    measure: (on: Parameters<DockerRow['measure']>[0]) => row.measure(on, engines),
  }));
  const on = { upstream, folder, contenders: engines, floor, signal };
  return await measureRows(sets, { ...on, samples, full: false, withinMs: ROWS_MS, say });
}
