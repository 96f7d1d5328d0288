import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteBuilds } from '../../src/adapters/sqlite/builds.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { buildsSuite } from './builds-suite.ts';

buildsSuite('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-builds-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  return {
    records: new SqliteBuilds(database),
    close: async () => {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
});
