import { createHash, randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { lockDataFolder } from '../../../src/adapters/owner/lock.ts';
import { ObjectPlace } from '../../../src/adapters/s3/object-place.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { type BucketUrl, parseContentUrl } from '../../../src/lib/content-url.ts';
import { dataFolder } from '../../../src/lib/data-folder.ts';
import { Collector } from '../../../src/stores/content/collect.ts';
import { LEASE_MS } from '../../../src/stores/content/content.ts';

/**
 * Stores the same few blobs again and again, keeps some of them for good, and collects and deletes the others as fast as it
 * can, until it is killed. Each blob that is kept is printed once that was acknowledged. `DATA URL SETTINGS-AS-JSON`.
 */
const [data = '', url = '', settings = '{}'] = process.argv.slice(2);
const folder = dataFolder(data);
await lockDataFolder(folder, 'a test');
/** Leases run out while we look. */
const begun = Date.now();
const clock = { now: () => begun + (Date.now() - begun) * (LEASE_MS / 20) };
const rows = sqliteBlobRows(await openDatabase(folder.database), clock);
const place = new ObjectPlace({
  place: parseContentUrl(url) as BucketUrl,
  settings: JSON.parse(settings),
  folder: folder.content,
  rows,
  cacheBytes: 100_000,
  clock,
});
await place.recover();
const FOREVER = Number.MAX_SAFE_INTEGER;

/** Always the same bytes for a number, some above and some below the size at which the bucket is asked first. */
function bytesOf(number: number): Buffer {
  const seed = createHash('sha256').update(`${begun} ${number}`).digest();
  return Buffer.alloc(number % 5 === 0 ? 300_000 : 3000, seed);
}

/** Blobs that come and go. Once one is kept, it is never stored again, which would mend what was lost. */
const pool = Array.from({ length: 12 }, (_, number) => ({ number, busy: false }));
let next = pool.length;

async function storeForever(): Promise<never> {
  for (;;) {
    const slot = pool[randomInt(pool.length)];
    if (slot === undefined || slot.busy) {
      await setImmediate();
      continue;
    }
    slot.busy = true;
    const { digest } = await place.content.put(bytesOf(slot.number));
    if (randomInt(4) === 0) {
      // as a client claims: hold, ask, and only then count on it
      await rows.hold('kept', [digest], FOREVER);
      if ((await place.content.stat(digest)) !== undefined) writeSync(1, `${digest}\n`);
      slot.number = next++;
    }
    slot.busy = false;
  }
}

async function collectForever(): Promise<never> {
  const collector = new Collector({ rows, bin: place.bin, roots: [], clock });
  for (;;) {
    const { blobs } = await collector.collect();
    // as housekeeping, which goes on: what fails here is tried again
    const deleted = await place.empty(clock.now()).catch(() => 0);
    if (blobs + deleted > 0) writeSync(1, `collected ${blobs} ${deleted}\n`);
  }
}

await Promise.all([storeForever(), storeForever(), storeForever(), collectForever()]);
