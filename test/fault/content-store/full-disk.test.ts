import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { DiskUploads } from '../../../src/adapters/disk/disk-uploads.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { type Database, openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { createDataFolder, type DataFolder, dataFolder } from '../../../src/lib/data-folder.ts';
import { run, runOk } from '../../../src/lib/run.ts';

const DISK_BYTES = 16 << 20;

/** A small file system of memory needs the right to mount. */
async function canMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-mount-'));
  const mounted = (await run('mount', ['-t', 'tmpfs', 'tmpfs', folder])).code === 0;
  if (mounted) await runOk('umount', [folder]);
  await rm(folder, { recursive: true });
  return mounted;
}

describe.skipIf(!(await canMount()))('a full disk (skipped without the right to mount)', () => {
  let folder: DataFolder;
  let database: Database;
  let content: DiskContent;
  let uploads: DiskUploads;

  beforeEach(async () => {
    folder = dataFolder(await mkdtemp(join(tmpdir(), 'slipway-full-')));
    await runOk('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder.root]);
    await createDataFolder(folder);
    database = await openDatabase(folder.database);
    content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database), reserveBytes: 0 });
    uploads = new DiskUploads({ folder: folder.uploads, content, reserveBytes: 0 });
  });

  afterEach(async () => {
    await database.destroy();
    // lazily: SQLite closes its file when the garbage collector has found the last prepared statement
    await runOk('umount', ['--lazy', folder.root]);
    await rm(folder.root, { recursive: true });
  });

  const free = async () => {
    const disk = await statfs(folder.root);
    return disk.bavail * disk.bsize;
  };
  const tooMuch = () => Readable.from(Array.from({ length: 40 }, () => randomBytes(1 << 20)));
  const exhausted = {
    name: 'Problem',
    code: 'exhausted',
    message: expect.stringContaining('no space left on the disk that holds'),
    hint: expect.stringContaining('Free some space'),
  };

  it('refuses a blob with a remedy, keeps nothing of it, and goes on', async () => {
    const kept = await content.put(Buffer.from('was there before'));
    const before = await free();
    await expect(content.ingest(tooMuch())).rejects.toMatchObject(exhausted);
    await expect(content.ingest(tooMuch(), { size: 40 << 20 })).rejects.toMatchObject(exhausted);
    expect(await readdir(join(folder.content, 'ingest'))).toEqual([]);
    expect(await free()).toBeGreaterThan(before - (1 << 20));
    expect((await content.read(kept.digest)).toString()).toBe('was there before');
    await content.put(Buffer.from('room for this'));
  });

  it('refuses a request of an upload session, and keeps what earlier ones brought', async () => {
    const { id } = await uploads.start('p/r/x');
    await uploads.append(id, Readable.from([Buffer.from('first')]), { at: 0 });
    await expect(uploads.append(id, tooMuch(), { at: 5 })).rejects.toMatchObject(exhausted);
    expect((await uploads.find(id))?.size).toBe(5);
    expect((await uploads.finish(id, digestOf('first'))).size).toBe(5);
  });

  it('says the same when it is the records that find no room, and loses none of them', async () => {
    const kept = await content.put(Buffer.from('recorded'));
    const ballast = await fillUp(join(folder.root, 'ballast'));
    // pages that the write-ahead log has already are used first: only a real growth can fail
    const records = async () => {
      for (let i = 0; i < 2000; i++) await content.hold(`build:${i}`, [digestOf(String(i))], 1000);
    };
    await expect(records()).rejects.toMatchObject(exhausted);
    expect(await content.stat(kept.digest)).toEqual(kept);
    await rm(ballast);
    await content.put(Buffer.from('again'));
    expect(await content.stat(digestOf('again'))).toBeDefined();
  });
});

/** Takes the last byte. */
async function fillUp(path: string): Promise<string> {
  const handle = await open(path, 'wx');
  try {
    for (const size of [1 << 20, 4096]) while (await handle.write(Buffer.alloc(size)).then(whole(size), () => false));
  } finally {
    await handle.close();
  }
  return path;
}

const whole = (size: number) => (result: { bytesWritten: number }) => result.bytesWritten === size;
