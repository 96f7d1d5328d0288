import { sqliteCache } from '../../src/adapters/sqlite/cache.ts';
import { cacheSuite } from './cache-suite.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';

const cached = ({ rows, close }: OwnedRows<ReturnType<typeof sqliteCache>>) => ({ cache: rows, close });

cacheSuite('SQLite, in the owner', async () => cached(await ownRows((database) => sqliteCache(database))));
cacheSuite('through the owner', async () => cached(await remoteRows((database) => sqliteCache(database))));
