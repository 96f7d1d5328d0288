import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts';
import { registrySuite } from './registry-suite.ts';

registrySuite('sqlite', async (clock) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-registry-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  return {
    store: new SqliteRegistry(database, clock),
    close: async () => {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
});
