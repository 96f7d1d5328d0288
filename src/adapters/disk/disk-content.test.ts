import { chmod, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataFolder, type DataFolder, dataFolder } from '../../lib/data-folder.ts';
import { markIsAlive, processMark } from '../../lib/process-mark.ts';
import { sqliteBlobRows } from '../sqlite/content.ts';
import { type Database, openDatabase } from '../sqlite/database.ts';
import { DiskContent } from './disk-content.ts';
import { DiskPlace } from './disk-place.ts';
import { DiskUploads } from './disk-uploads.ts';
import { recoverContent } from './recover.ts';

/** What only a disk can do wrong; the contract itself is in test/suites/content-suite.ts. */
describe('content on disk', () => {
  let folder: DataFolder;
  let database: Database;
  let rows: ReturnType<typeof sqliteBlobRows>;
  let content: DiskContent;

  beforeEach(async () => {
    folder = dataFolder(await mkdtemp(join(tmpdir(), 'slipway-content-')));
    await createDataFolder(folder);
    database = await openDatabase(folder.database);
    rows = sqliteBlobRows(database);
    content = new DiskContent({ folder: folder.content, rows });
  });

  afterEach(async () => {
    await database.destroy();
    await rm(folder.root, { recursive: true, force: true });
  });

  it('calls a blob absent whose file is missing or damaged, and takes it anew', async () => {
    const { digest } = await content.put(Buffer.from('precious'));
    const path = await content.path(digest);
    for (const damage of [() => rm(path), () => chmod(path, 0o600).then(() => truncate(path, 3))]) {
      await damage();
      expect(await content.stat(digest)).toBeUndefined();
      await content.put(Buffer.from('precious'));
      expect((await content.read(digest)).toString()).toBe('precious');
    }
  });

  it('adopts a whole file that has no row, because a crash came between', async () => {
    const { digest, size } = await content.put(Buffer.from('whole'));
    await rows.remove([digest], Number.MAX_SAFE_INTEGER, async () => undefined);
    expect(await rows.get(digest)).toBeUndefined();
    const stats = await Promise.all([content.stat(digest), content.stat(digest)]);
    expect(stats).toEqual([
      { digest, size },
      { digest, size },
    ]);
    expect(await rows.get(digest)).toEqual({ digest, size });
  });

  it('never adopts a file whose bytes are not what its name says', async () => {
    const { digest } = await content.put(Buffer.from('true'));
    const path = await content.path(digest);
    await rows.remove([digest], Number.MAX_SAFE_INTEGER, async () => undefined);
    await rm(path);
    await writeFile(path, 'lie!');
    expect(await content.stat(digest)).toBeUndefined();
  });

  it('refuses what can not fit, before the first byte', async () => {
    const tight = new DiskContent({ folder: folder.content, rows, reserveBytes: 2 ** 50 });
    await expect(tight.ingest(Readable.from([Buffer.alloc(10)]), { size: 10 })).rejects.toMatchObject({
      code: 'exhausted',
      message: expect.stringContaining('are needed'),
      hint: expect.stringContaining('slipway prune'),
    });
  });

  it('keeps room for records also when nobody said how many bytes will come', async () => {
    const tight = new DiskContent({ folder: folder.content, rows, reserveBytes: 2 ** 50 });
    await expect(tight.ingest(Readable.from([Buffer.alloc(10)]))).rejects.toMatchObject({ code: 'exhausted' });
    const { id } = await new DiskUploads({ folder: folder.uploads, content, reserveBytes: 0 }).start('somebody');
    const uploads = new DiskUploads({ folder: folder.uploads, content: tight, reserveBytes: 2 ** 50 });
    await expect(uploads.start('somebody')).rejects.toMatchObject({ code: 'exhausted' });
    await expect(uploads.append(id, Readable.from([Buffer.alloc(10)]), { at: 0 })).rejects.toMatchObject({
      code: 'exhausted',
    });
  });

  it('drops what dead processes left under way, and nothing of living ones', async () => {
    const mine = await content.scratch();
    await writeFile(mine, 'under way');
    const started = (await processMark())?.split('-')[1];
    for (const name of [`999999999-${started}-aa`, `${process.pid}-1-bb`, 'no mark'])
      await writeFile(join(folder.content, 'ingest', name), 'left');
    expect((await recoverContent(folder, new DiskPlace(folder, rows))).leftovers).toBe(3);
    expect(await readdir(join(folder.content, 'ingest'))).toHaveLength(1);
    expect(await markIsAlive(mine.split('/').at(-1) as string)).toBe(true);
  });

  it('lets nobody else look inside', async () => {
    for (const path of [folder.root, folder.content, folder.trash]) expect((await stat(path)).mode & 0o777).toBe(0o700);
  });
});
