import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { BlobFiles } from '../../../src/adapters/disk/blob-files.ts';
import { DiskPlace } from '../../../src/adapters/disk/disk-place.ts';
import { recoverContent } from '../../../src/adapters/disk/recover.ts';
import { lockDataFolder } from '../../../src/adapters/owner/lock.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import type { Digest } from '../../../src/images/digest.ts';
import type { DataFolder } from '../../../src/lib/data-folder.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

const ROUNDS = 3;

it('has every acknowledged blob whole after kill -9, and nothing half-written', async () => {
  const { folder, remove } = await temporaryDataFolder();
  const acknowledged: Digest[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    acknowledged.push(...(await ingestUntilKilled(folder, 100 + Math.random() * 700)));
    await expectWhole(folder, acknowledged);
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  await remove();
});

/** @returns what the child acknowledged before it was killed, `ms` after the first of them */
function ingestUntilKilled(folder: DataFolder, ms: number): Promise<Digest[]> {
  const script = join(import.meta.dirname, 'ingest-forever.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), ms);
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // the last line may be cut; the child wrote it in one call, so what ends in a newline was acknowledged
    child.once('close', () => resolve(said.split('\n').slice(0, -1) as Digest[]));
  });
}

async function expectWhole(folder: DataFolder, acknowledged: Digest[]): Promise<void> {
  const lock = await lockDataFolder(folder, 'the test'); // the kernel has freed it
  const database = await openDatabase(folder.database);
  try {
    const rows = sqliteBlobRows(database);
    await recoverContent(folder, new DiskPlace(folder, rows));
    expect((await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database)).rows).toEqual([
      { integrity_check: 'ok' },
    ]);
    expect(new Set(await rows.present(acknowledged))).toEqual(new Set(acknowledged));
    const files = new BlobFiles(folder.content);
    for (const blob of await rows.page(0, undefined, 1_000_000)) {
      expect(await files.size(blob.digest)).toBe(blob.size);
      expect(await files.measure(blob.digest)).toBe(blob.digest);
    }
    expect(await readdir(join(folder.content, 'ingest'))).toEqual([]);
  } finally {
    await database.destroy();
    await lock.release();
  }
}
