import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts';
import { ownRows, remoteRows } from './owned-rows.ts';
import { registrySuite } from './registry-suite.ts';

registrySuite('SQLite, in the owner', async (clock) => {
  const { rows, close } = await ownRows((database) => new SqliteRegistry(database, { clock }));
  return { store: rows, close };
});
registrySuite('through the owner', async (clock) => {
  const { rows, close } = await remoteRows((database) => new SqliteRegistry(database, { clock }));
  return { store: rows, close };
});
