import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOk } from '../../src/lib/run.ts';
import { programsOnPath } from '../contenders/programs.ts';
import { findSlipway } from '../contenders/slipway.ts';
import type { Sample } from '../measure.ts';
import { ResidentMemory } from '../resident-memory.ts';
import { inTurn } from '../rows/row.ts';
import { growData } from './grown-data.ts';
import { loneBytes } from './lone-memory.ts';
import { type Registry, startDistribution, startSlipway } from './registry.ts';
import { GROWN, OTHER, OURS, registryTable, restTable } from './registry-table.ts';
import type { RegistryRow } from './row.ts';
import { prepareRegistry } from './rows.ts';

export interface RegistryField {
  folder: string;
  samples: number;
  /** What took part, for the head of the tables. */
  versions: string[];
  signal: AbortSignal;
  say(text: string): void;
}

/** Of all rows together; filling and preparing the registries take a minute before it. */
const ROWS_MS = 150_000;

/** So that what one has written is on the disk before the next is measured. */
const SETTLE_MS = 200;

/** Our registry, the same with the rows of years, and distribution's, in turn. */
export async function measureRegistry(rows: readonly RegistryRow[], field: RegistryField): Promise<string[]> {
  const folder = join(field.folder, 'registry');
  await mkdir(folder);
  const registries: Registry[] = [];
  try {
    field.versions.push(`${OURS}: ${(await findSlipway()).version}`);
    registries.push(await startSlipway(OURS, folder));
    if (programsOnPath(OTHER).length > 0) {
      field.versions.push(`${OTHER}: ${(await runOk(OTHER, ['--version'])).stdout.trim()}`);
      registries.push(await startDistribution(OTHER, folder));
    } else field.versions.push(`${OTHER}: skipped, not installed`);
    field.say('growing a registry');
    registries.push(await startSlipway(GROWN, folder, growData));
    for (const registry of registries) {
      field.say(`preparing ${registry.name}`);
      await prepareRegistry(registry);
    }
    const tables: string[] = [await restTable(registries)];
    const ends = performance.now() + ROWS_MS;
    for (const [i, row] of rows.entries()) {
      const share = (ends - performance.now()) / (rows.length - i);
      tables.push(await measureRow(row, registries, field, share));
    }
    return tables;
  } finally {
    for (const registry of registries) await registry.end();
  }
}

/** On a busy machine, a row takes as many rounds as fit into its share of the time. */
async function measureRow(
  row: RegistryRow,
  registries: readonly Registry[],
  field: RegistryField,
  withinMs: number,
): Promise<string> {
  const ends = performance.now() + withinMs;
  const results = new Map<string, Sample[]>(registries.map(({ name }) => [name, []]));
  for (let round = 0; round < field.samples && (round === 0 || performance.now() < ends); round++)
    for (const registry of inTurn(registries, round)) {
      field.signal.throwIfAborted();
      await row.prepare?.(registry, round);
      const sample = await measureOnce(row, registry, round);
      results.get(registry.name)?.push(sample);
      field.say(`${row.id} ${registry.name}: ${sample.wallMs.toFixed(0)} ms, ${sample.cpuSeconds.toFixed(3)} s`);
    }
  return registryTable(row, results);
}

async function measureOnce(row: RegistryRow, registry: Registry, round: number): Promise<Sample> {
  const { group } = registry;
  const memory = new ResidentMemory(group, loneBytes);
  try {
    const before = await group.cpuSeconds();
    const started = performance.now();
    await row.measured(registry, round);
    const wallMs = performance.now() - started;
    await sleep(SETTLE_MS);
    return { wallMs, cpuSeconds: (await group.cpuSeconds()) - before, peakBytes: await memory.stop() };
  } finally {
    await memory.stop();
  }
}
