import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GrowthField, growthText } from '../growth/growth-table.ts';
import { BuildServer } from './build-server.ts';
import { buildsAtOnce } from './builds-at-once.ts';
import { queueLength } from './queue-length.ts';
import { unchangedBuild } from './unchanged-build.ts';

/** Whole builds by Cloud Build's API, each table on a server with an empty data folder; then the rows of a long queue. */
export async function measureCloudbuild(on: Omit<GrowthField, 'server'>): Promise<string[]> {
  const folder = join(on.folder, 'cloudbuild');
  await mkdir(folder);
  const texts: string[] = [];
  for (const table of [unchangedBuild, buildsAtOnce]) {
    const own = join(folder, table.name);
    await mkdir(own);
    const server = await BuildServer.start(own, on.upstream.host);
    try {
      texts.push(await growthText(table({ ...on, folder: own, server }), on));
    } finally {
      await server.end();
    }
  }
  texts.push(await growthText(queueLength, { ...on, folder }));
  return texts;
}
