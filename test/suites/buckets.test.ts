import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { SqliteBuckets } from '../../src/adapters/sqlite/buckets.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import type { Database } from '../../src/adapters/sqlite/database.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { ContentBuckets } from '../../src/stores/buckets/content-buckets.ts';
import { bucketRoots } from '../../src/stores/buckets/roots.ts';
import { bucketsSuite } from './buckets-suite.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';

const rowsOf = (clock: Clock) => (database: Database) => new SqliteBuckets(database, clock);

const overDisk = ({ rows, folder, database, close }: OwnedRows<SqliteBuckets>) => {
  const content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
  return { store: new ContentBuckets(rows, content), content, roots: bucketRoots(rows), close };
};

bucketsSuite('SQLite and disk, in the owner', async (clock) => overDisk(await ownRows(rowsOf(clock))));
bucketsSuite('disk, rows through the owner', async (clock) => overDisk(await remoteRows(rowsOf(clock))));
