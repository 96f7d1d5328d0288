import { sqliteNames } from '../../src/adapters/sqlite/names.ts';
import { namesSuite } from './names-suite.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';

const named = ({ rows, close }: OwnedRows<ReturnType<typeof sqliteNames>>) => ({ names: rows, close });

namesSuite('SQLite, in the owner', async () => named(await ownRows((database) => sqliteNames(database))));
namesSuite('through the owner', async () => named(await remoteRows((database) => sqliteNames(database))));
