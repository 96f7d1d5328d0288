import { sqliteUpstream } from '../../src/adapters/sqlite/upstream.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';
import { upstreamSuite } from './upstream-suite.ts';

type Rows = ReturnType<typeof sqliteUpstream>;

const opened = async (open: (make: Parameters<typeof ownRows<Rows>>[0]) => Promise<OwnedRows<Rows>>) => {
  const clock = { at: 1, now: () => clock.at };
  return { ...(await open((database) => sqliteUpstream(database, clock))), clock };
};

upstreamSuite('SQLite, in the owner', () => opened(ownRows<Rows>));
upstreamSuite('through the owner', () => opened(remoteRows<Rows>));
