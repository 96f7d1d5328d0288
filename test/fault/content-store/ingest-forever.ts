import { randomBytes, randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { lockDataFolder } from '../../../src/adapters/owner/lock.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { dataFolder } from '../../../src/lib/data-folder.ts';

/** Stores random blobs, several at a time, and prints each digest as soon as it was acknowledged, until it is killed. */
const folder = dataFolder(process.argv[2] as string);
await lockDataFolder(folder, 'a test');
const rows = sqliteBlobRows(await openDatabase(folder.database));
const content = new DiskContent({ folder: folder.content, rows });

async function ingestForever(): Promise<never> {
  for (;;) {
    const chunks = Array.from({ length: randomInt(1, 12) }, () => randomBytes(randomInt(1, 100_000)));
    const { digest } = await content.ingest(Readable.from(chunks));
    writeSync(1, `${digest}\n`);
  }
}

await Promise.all([ingestForever(), ingestForever(), ingestForever(), ingestForever()]);
