import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { createDataFolder, type DataFolder, dataFolder } from '../../lib/data-folder.ts';
import { sqliteBlobRows } from '../sqlite/content.ts';
import { type Database, openDatabase } from '../sqlite/database.ts';
import { DiskContent } from './disk-content.ts';
import { DiskUploads, UPLOAD_IDLE_MS } from './disk-uploads.ts';

const OWNER = 'europe/p/r/api';

describe('upload sessions', () => {
  let folder: DataFolder;
  let database: Database;
  let content: DiskContent;
  let uploads: DiskUploads;

  beforeEach(async () => {
    folder = dataFolder(await mkdtemp(join(tmpdir(), 'slipway-uploads-')));
    await createDataFolder(folder);
    database = await openDatabase(folder.database);
    content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
    uploads = restarted();
  });

  afterEach(async () => {
    await database.destroy();
    await rm(folder.root, { recursive: true, force: true });
  });

  const restarted = () => new DiskUploads({ folder: folder.uploads, content });
  const bytesOf = (...chunks: (string | Buffer)[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

  it('makes a blob of several requests', async () => {
    const { id } = await uploads.start(OWNER);
    expect(await uploads.append(id, bytesOf('one ', 'two '), { at: 0 })).toEqual({ id, owner: OWNER, size: 8 });
    expect((await uploads.append(id, bytesOf('three'), { at: 8, size: 5 })).size).toBe(13);
    const digest = digestOf('one two three');
    expect(await uploads.finish(id, digest)).toEqual({ digest, size: 13 });
    expect((await content.read(digest)).toString()).toBe('one two three');
    expect(await uploads.find(id)).toBeUndefined();
    expect(await readdir(folder.uploads)).toEqual([]);
  });

  it('makes an empty blob of no request', async () => {
    const { id } = await uploads.start(OWNER);
    expect(await uploads.finish(id, digestOf(''))).toEqual({ digest: digestOf(''), size: 0 });
  });

  it.each(['sha256', 'sha512'] as const)('takes a %s digest, whatever was announced', async (algorithm) => {
    const { id } = await uploads.start(OWNER, 'sha512');
    await uploads.append(id, bytesOf('x'), { at: 0 });
    expect((await uploads.finish(id, digestOf('x', algorithm))).digest).toBe(digestOf('x', algorithm));
  });

  it('goes on after a restart of the server', async () => {
    const bytes = randomBytes(3_000_000);
    const { id } = await uploads.start(OWNER);
    await uploads.append(id, bytesOf(bytes.subarray(0, 1_500_001)), { at: 0 });
    uploads = restarted();
    expect(await uploads.find(id)).toEqual({ id, owner: OWNER, size: 1_500_001 });
    await uploads.append(id, bytesOf(bytes.subarray(1_500_001)), { at: 1_500_001 });
    uploads = restarted();
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
    expect(await uploads.finish(id, digest)).toEqual({ digest, size: bytes.length });
  });

  it('keeps what came before a client was cut off', async () => {
    async function* cut() {
      yield Buffer.from('kept');
      throw new Error('socket hang up');
    }
    const { id } = await uploads.start(OWNER);
    await expect(uploads.append(id, cut(), { at: 0, size: 10 })).rejects.toThrow('socket hang up');
    expect((await uploads.find(id))?.size).toBe(4);
    await uploads.append(id, bytesOf(' going'), { at: 4 });
    expect((await uploads.finish(id, digestOf('kept going'))).size).toBe(10);
  });

  it('lets whoever asks right after the cut see all that came, and go on from there', async () => {
    const cut = new Readable({ read: () => undefined });
    const { id } = await uploads.start(OWNER);
    const appending = uploads.append(id, cut, { at: 0 });
    cut.push('kept');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const refused = expect(appending).rejects.toThrow('socket hang up');
    cut.destroy(new Error('socket hang up'));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await uploads.find(id))?.size).toBe(4);
    expect((await uploads.append(id, bytesOf(' going'), { at: 4 })).size).toBe(10);
    await refused;
  });

  it('counts nothing of a request that brings more or fewer bytes than it said', async () => {
    const { id } = await uploads.start(OWNER);
    await uploads.append(id, bytesOf('good '), { at: 0 });
    for (const wrong of ['too much', 'few'])
      await expect(uploads.append(id, bytesOf(wrong), { at: 5, size: 5 })).rejects.toMatchObject({ code: 'invalid' });
    expect((await uploads.find(id))?.size).toBe(5);
    await uploads.append(id, bytesOf('bytes'), { at: 5, size: 5 });
    expect((await uploads.finish(id, digestOf('good bytes'))).size).toBe(10);
  });

  it('refuses bytes for another offset, and a second request while the first is writing', async () => {
    const { id } = await uploads.start(OWNER);
    await expect(uploads.append(id, bytesOf('x'), { at: 1 })).rejects.toMatchObject({ code: 'conflict' });
    const first = new Readable({ read: () => undefined });
    const appending = uploads.append(id, first, { at: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    const second = [uploads.append(id, bytesOf('x'), { at: 0 }), uploads.finish(id, digestOf('')), uploads.cancel(id)];
    for (const refused of second) await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    expect(await uploads.expire()).toBe(0);
    first.push('done');
    first.push(null);
    expect((await appending).size).toBe(4);
  });

  it('leaves neither blob nor session of bytes with another digest', async () => {
    const { id } = await uploads.start(OWNER);
    await uploads.append(id, bytesOf('what came'), { at: 0 });
    await expect(uploads.finish(id, digestOf('what was meant'))).rejects.toMatchObject({ code: 'invalid' });
    expect(await uploads.find(id)).toBeUndefined();
    expect(await content.stat(digestOf('what came'))).toBeUndefined();
    expect(await readdir(folder.uploads)).toEqual([]);
  });

  it('expires what nobody has written to for a day, from this server or one before', async () => {
    const [idle, active] = [await uploads.start(OWNER), await uploads.start(OWNER)];
    const yesterday = new Date(Date.now() - UPLOAD_IDLE_MS - 1000);
    await utimes(join(folder.uploads, idle.id), yesterday, yesterday);
    uploads = restarted();
    expect(await uploads.expire()).toBe(1);
    expect(await uploads.find(idle.id)).toBeUndefined();
    expect((await uploads.find(active.id))?.size).toBe(0);
    expect(await readdir(folder.uploads)).toHaveLength(2);
  });

  it('goes by the time that passes and not by a clock, which may be set', async () => {
    let [now, passed] = [Date.now(), 0];
    uploads = new DiskUploads({
      folder: folder.uploads,
      content,
      clock: { now: () => now },
      elapsed: () => passed,
    });
    const { id } = await uploads.start(OWNER);
    await uploads.append(id, bytesOf('still '), { at: 0 });
    for (const jump of [1000 * UPLOAD_IDLE_MS, -2000 * UPLOAD_IDLE_MS]) {
      now += jump;
      expect(await uploads.expire()).toBe(0);
    }
    await uploads.append(id, bytesOf('here'), { at: 6 });
    passed += UPLOAD_IDLE_MS - 1;
    expect(await uploads.expire()).toBe(0);
    passed += 1;
    expect(await uploads.expire()).toBe(1);
  });

  it('keeps a session of the future for a day from when it is seen', async () => {
    const { id } = await uploads.start(OWNER);
    const later = new Date(Date.now() + 1000 * UPLOAD_IDLE_MS);
    await utimes(join(folder.uploads, id), later, later);
    let passed = 0;
    uploads = new DiskUploads({ folder: folder.uploads, content, elapsed: () => passed });
    expect(await uploads.expire()).toBe(0);
    passed += UPLOAD_IDLE_MS;
    expect(await uploads.expire()).toBe(1);
    expect(await readdir(folder.uploads)).toEqual([]);
  });

  it('knows no session by a name that is none', async () => {
    for (const id of ['', '../slipway', '..', 'x'.repeat(36), '%2e%2e']) {
      expect(await uploads.find(id)).toBeUndefined();
      expect(await uploads.cancel(id)).toBe(false);
      await expect(uploads.append(id, bytesOf('x'), { at: 0 })).rejects.toMatchObject({ code: 'not-found' });
    }
  });
});
