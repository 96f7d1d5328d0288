import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ObjectPlace } from '../../../src/adapters/s3/object-place.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { type Digest, isDigest } from '../../../src/images/digest.ts';
import { type BucketUrl, parseContentUrl } from '../../../src/lib/content-url.ts';
import type { DataFolder } from '../../../src/lib/data-folder.ts';
import { type S3Server, startS3 } from '../../suites/s3-server.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

const ROUNDS = 4;
const URL = 's3://content/killed';

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.close());

it('has every blob that was kept, and an object behind every row, after kill -9 amid pushes, collection and deletion', async () => {
  const { folder, remove } = await temporaryDataFolder();
  const kept = new Set<Digest>();
  let collected = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const said = await churnUntilKilled(folder, 1500 + Math.random() * 1500);
    for (const line of said) if (isDigest(line)) kept.add(line);
    collected += said.filter((line) => /^collected \d+ [1-9]/.test(line)).length;
    await expectWhole(folder, kept);
  }
  expect(kept.size).toBeGreaterThan(5);
  expect(collected).toBeGreaterThan(ROUNDS);
  await remove();
});

/** @returns the lines that it said before it was killed, `ms` after the first of them */
function churnUntilKilled(folder: DataFolder, ms: number): Promise<string[]> {
  // requests overtake each other, as over a network: that widens every gap between asking and acting
  s3.fault = () => ({ delay: setTimeout(Math.random() * 60) });
  const script = join(import.meta.dirname, 'churn-forever.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder.root, URL, JSON.stringify(s3.settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said === '') void setTimeout(ms).then(() => child.kill('SIGKILL'));
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // the last line may be cut
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(said.split('\n').slice(0, -1));
      else reject(new Error(`it ended by itself, with ${code}`));
    });
  });
}

/** Reads the bucket alone, before anything is recovered: what is recorded must be there at every moment. */
async function expectWhole(folder: DataFolder, kept: Set<Digest>): Promise<void> {
  const database = await openDatabase(folder.database);
  const rows = sqliteBlobRows(database);
  const place = new ObjectPlace({
    place: parseContentUrl(URL) as BucketUrl,
    settings: s3.settings,
    folder: folder.content,
    rows,
    cacheBytes: 0,
  });
  s3.fault = () => undefined;
  try {
    expect(new Set(await rows.present([...kept]))).toEqual(kept);
    for (const blob of await rows.page(0, undefined, 1_000_000))
      expect(await place.inspect(blob), blob.digest).toBeUndefined();
  } finally {
    await place.close();
    await database.destroy();
  }
}
