import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ObjectBucket } from '../../src/adapters/s3/bucket.ts';
import { ObjectContent } from '../../src/adapters/s3/object-content.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { contentSuite } from './content-suite.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';
import { type S3Server, startS3 } from './s3-server.ts';

let s3: S3Server;
let prefixes = 0;

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.close());

const inBucket =
  (kind: 's3' | 'gs', cacheBytes: number) =>
  async ({ rows, folder, close }: OwnedRows<ReturnType<typeof sqliteBlobRows>>) => {
    const bucket = new ObjectBucket({ kind, bucket: s3.bucket, prefix: `suite/${prefixes++}` }, s3.settings);
    const store = new ObjectContent({ bucket, folder: folder.content, rows, cacheBytes });
    return {
      store,
      rows,
      async leftovers() {
        await store.close(); // a copy is kept a moment after its last byte was read
        return readdir(join(folder.content, 'ingest')).catch(() => []);
      },
      async close() {
        await bucket.close();
        await close();
      },
    };
  };

contentSuite('a bucket and SQLite, in the owner', async () =>
  inBucket('s3', 1 << 30)(await ownRows((database) => sqliteBlobRows(database))),
);
contentSuite('a bucket, rows through the owner, hardly room for copies', async () =>
  inBucket('s3', 1)(await remoteRows((database) => sqliteBlobRows(database))),
);
contentSuite("a bucket named as Google's", async () =>
  inBucket('gs', 1 << 30)(await ownRows((database) => sqliteBlobRows(database))),
);
