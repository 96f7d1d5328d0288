import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../src/adapters/sqlite/repositories.ts';
import { ownRows, remoteRows } from './owned-rows.ts';
import { repositoriesSuite } from './repositories-suite.ts';

repositoriesSuite('SQLite, in the owner', async (clock) => {
  const { rows, database, close } = await ownRows((database) => new SqliteRepositories(database, clock));
  return { store: rows, registry: new SqliteRegistry(database, { clock }), close };
});
repositoriesSuite('through the owner', async (clock) => {
  const { rows, database, close } = await remoteRows((database) => new SqliteRepositories(database, clock));
  return { store: rows, registry: new SqliteRegistry(database, { clock }), close };
});
