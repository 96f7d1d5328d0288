import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectPlace } from '../../../src/adapters/s3/object-place.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { type Database, openDatabase } from '../../../src/adapters/sqlite/database.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { type BucketUrl, parseContentUrl } from '../../../src/lib/content-url.ts';
import type { DataFolder } from '../../../src/lib/data-folder.ts';
import type { S3Server } from '../../suites/s3-server.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

export interface ObjectStore {
  folder: DataFolder;
  rows: ReturnType<typeof sqliteBlobRows>;
  place: ObjectPlace;
  /** Paths of copies on disk. */
  copies(): Promise<string[]>;
  /** They are gone, as after a time in which others were used. */
  dropCopies(): Promise<void>;
  /** As another process sees the same folder: nothing is remembered. */
  another(reserveBytes?: number): ObjectPlace;
  close(): Promise<void>;
}

let prefixes = 0;

/** Content in a prefix of its own, with rows of its own. */
export async function openObjectStore(s3: S3Server, clock?: Clock, cacheBytes = 1 << 30): Promise<ObjectStore> {
  const { folder, remove } = await temporaryDataFolder();
  const database: Database = await openDatabase(folder.database);
  const rows = sqliteBlobRows(database, clock);
  const url = parseContentUrl(`s3://${s3.bucket}/store-${prefixes++}`) as BucketUrl;
  const parts = { place: url, settings: s3.settings, folder: folder.content, rows, cacheBytes };
  const places: ObjectPlace[] = [];
  const another = (reserveBytes?: number) => {
    const reserve = reserveBytes === undefined ? {} : { reserveBytes };
    const place = new ObjectPlace({ ...parts, ...(clock === undefined ? {} : { clock }), ...reserve });
    places.push(place);
    return place;
  };
  const copies = async () =>
    (await readdir(folder.content, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && /sha(256|512)/.test(entry.parentPath))
      .map((entry) => join(entry.parentPath, entry.name));
  return {
    folder,
    rows,
    copies,
    place: another(),
    another,
    async dropCopies() {
      for (const path of await copies()) await rm(path);
    },
    async close() {
      for (const place of places) await place.close();
      await database.destroy();
      await remove();
    },
  };
}
