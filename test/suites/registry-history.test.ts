import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { SqliteRegistry, type SqliteRegistryOptions } from '../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../src/adapters/sqlite/repositories.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';
import { registryChangesSuite } from './registry-changes-suite.ts';
import { type OpenRegistryHistory, registryHistorySuite } from './registry-history-suite.ts';

for (const suite of [registryHistorySuite, registryChangesSuite]) {
  suite('SQLite, in the owner', async (options) =>
    opened(await ownRows((database) => new SqliteRegistry(database, options)), options));
  suite('through the owner', async (options) =>
    opened(await remoteRows((database) => new SqliteRegistry(database, options)), options));
}

function opened(own: OwnedRows<SqliteRegistry>, options: SqliteRegistryOptions): OpenRegistryHistory {
  const blobs = sqliteBlobRows(own.database);
  return {
    store: own.rows,
    repositories: new SqliteRepositories(own.database, options.clock),
    addBlob: (digest, size) => blobs.add({ digest, size }, 1_000),
    close: own.close,
  };
}
