import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteBuilds } from '../../src/adapters/sqlite/builds.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteBuildQueue } from '../../src/adapters/sqlite-builds/build-queue.ts';
import { buildQueueSuite } from './build-queue-suite.ts';

buildQueueSuite('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-queue-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  return {
    records: new SqliteBuilds(database),
    queue: new SqliteBuildQueue(database),
    close: async () => {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
});
