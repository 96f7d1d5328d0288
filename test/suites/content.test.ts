import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { contentSuite } from './content-suite.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';

const onDisk = async ({ rows, folder, close }: OwnedRows<ReturnType<typeof sqliteBlobRows>>) => ({
  store: new DiskContent({ folder: folder.content, rows }),
  rows,
  leftovers: () => readdir(join(folder.content, 'ingest')).catch(() => []),
  close,
});

contentSuite('disk and SQLite, in the owner', async () =>
  onDisk(await ownRows((database) => sqliteBlobRows(database))),
);
contentSuite('disk, rows through the owner', async () =>
  onDisk(await remoteRows((database) => sqliteBlobRows(database))),
);
