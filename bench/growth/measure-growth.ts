import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildsAtOnce } from './builds-at-once.ts';
import { contextFiles } from './context-files.ts';
import { GrowingServer } from './growing-server.ts';
import { type GrowthField, type GrowthTable, growthText } from './growth-table.ts';
import { imageLayers } from './image-layers.ts';

const TABLES: GrowthTable[] = [contextFiles, imageLayers, buildsAtOnce];

/** Takes every table of growth, one after the other, each of a server with an empty data folder. */
export async function measureGrowth(on: Omit<GrowthField, 'server'>): Promise<string[]> {
  const folder = join(on.folder, 'growth');
  await mkdir(folder);
  const server = await GrowingServer.create(folder, on.signal);
  try {
    const texts: string[] = [];
    for (const table of TABLES) texts.push(await growthText(table, { ...on, folder, server }));
    return texts;
  } finally {
    await server.end();
  }
}
