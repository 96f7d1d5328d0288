import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../images/digest.ts';
import { createDataFolder, type DataFolder, dataFolder } from '../../lib/data-folder.ts';
import { type BlobBin, Collector } from '../../stores/content/collect.ts';
import { LEASE_MS, type Roots } from '../../stores/content/content.ts';
import { sqliteBlobRows } from '../sqlite/content.ts';
import { type Database, openDatabase } from '../sqlite/database.ts';
import { DiskBin } from './disk-bin.ts';
import { DiskContent } from './disk-content.ts';
import { DiskPlace } from './disk-place.ts';
import { recoverContent } from './recover.ts';
import { TRASH_GRACE_MS, Trash } from './trash.ts';

/** Claims what it is told to. */
class Claims implements Roots {
  readonly name = 'registry';
  readonly digests = new Set<Digest>();
  /** Runs while the collector waits for the answer. */
  meanwhile: () => Promise<void> = async () => undefined;

  async claimed(digests: Digest[]): Promise<Digest[]> {
    const claimed = digests.filter((digest) => this.digests.has(digest));
    await this.meanwhile();
    return claimed;
  }
}

describe('collection', () => {
  let folder: DataFolder;
  let database: Database;
  let rows: ReturnType<typeof sqliteBlobRows>;
  let content: DiskContent;
  let bin: DiskBin;
  let claims: Claims;
  let collector: Collector;
  const clock = { at: Date.now(), now: () => clock.at };

  beforeEach(async () => {
    folder = dataFolder(await mkdtemp(join(tmpdir(), 'slipway-collect-')));
    await createDataFolder(folder);
    database = await openDatabase(folder.database);
    clock.at = Date.now();
    rows = sqliteBlobRows(database, clock);
    content = new DiskContent({ folder: folder.content, rows, clock });
    bin = new DiskBin(folder.content, new Trash(folder.trash));
    claims = new Claims();
    collector = new Collector({ rows, bin, roots: [claims], clock });
  });

  afterEach(async () => {
    await database.destroy();
    await rm(folder.root, { recursive: true, force: true });
  });

  const leasesRunOut = () => {
    clock.at += LEASE_MS + 1;
  };
  const put = async (text: string) => (await content.put(Buffer.from(text))).digest;

  it('takes what nobody claims once its lease has run out', async () => {
    const [kept, gone] = [await put('kept'), await put('gone')];
    claims.digests.add(kept);
    expect(await collector.collect()).toMatchObject({ blobs: 0 });
    leasesRunOut();
    expect(await collector.collect()).toEqual({ blobs: 1, bytes: 4, strays: 0 });
    expect(await content.stat(gone)).toBeUndefined();
    await expect(content.open(gone)).rejects.toMatchObject({ code: 'not-found' });
    expect((await content.read(kept)).toString()).toBe('kept');
  });

  it('unlinks only after the grace time', async () => {
    await put('gone');
    leasesRunOut();
    await collector.collect();
    expect(await readdir(folder.trash)).toHaveLength(1);
    expect((await recoverContent(folder, new DiskPlace(folder, rows), clock)).emptied).toBe(0);
    clock.at += TRASH_GRACE_MS + 1;
    expect((await recoverContent(folder, new DiskPlace(folder, rows), clock)).emptied).toBe(1);
    expect(await readdir(folder.trash)).toEqual([]);
  });

  it('says of every blob what keeps it, and touches nothing', async () => {
    const claimed = await put('claimed');
    const free = await put('free');
    claims.digests.add(claimed);
    leasesRunOut();
    const leased = await put('leased');
    const verdicts = new Map<Digest, unknown>();
    for await (const page of collector.explain())
      for (const { digest, leasedUntil, claims, goes } of page) verdicts.set(digest, { leasedUntil, claims, goes });
    const claim = { digest: claimed, by: 'registry' };
    expect(verdicts.get(claimed)).toEqual({ leasedUntil: undefined, claims: [claim], goes: false });
    expect(verdicts.get(free)).toEqual({ leasedUntil: undefined, claims: [], goes: true });
    expect(verdicts.get(leased)).toEqual({ leasedUntil: clock.at + LEASE_MS, claims: [], goes: false });
    expect(await content.stat(free)).toBeDefined();
  });

  it('leaves what a holder took while the Roots were being asked', async () => {
    const digest = await put('about to be claimed');
    leasesRunOut();
    claims.meanwhile = () => content.hold('push', [digest], 1000);
    expect((await collector.collect()).blobs).toBe(0);
    expect(await content.stat(digest)).toBeDefined();
    await content.release('push');
    claims.meanwhile = async () => undefined;
    expect((await collector.collect()).blobs).toBe(1);
  });

  it('loses nothing that is pushed again while it runs', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `layer ${i}`);
    await Promise.all(texts.map(put));
    for (let round = 0; round < 3; round++) {
      leasesRunOut();
      const [report] = await Promise.all([collector.collect(), ...texts.filter((_, i) => i % 2 === 0).map(put)]);
      expect(report.blobs).toBeGreaterThan(0);
      for (const [i, text] of texts.entries())
        if (i % 2 === 0) expect((await content.read(digestOf(text))).toString()).toBe(text);
      await Promise.all(texts.map(put));
    }
  });

  it('moves files back when the rows could not go', async () => {
    const digest = await put('stays');
    leasesRunOut();
    const broken: BlobBin = {
      async discard(moved, now) {
        await bin.discard(moved, now);
        throw new Error('disk gone');
      },
      restore: (moved) => bin.restore(moved),
      stored: (before) => bin.stored(before),
      settled: (before) => bin.settled(before),
    };
    await expect(new Collector({ rows, bin: broken, roots: [], clock }).collect()).rejects.toThrow('disk gone');
    expect((await content.read(digest)).toString()).toBe('stays');
    expect(await content.stat(digest)).toBeDefined();
  });

  it('puts back what a crash left between file and row', async () => {
    const digest = await put('crashed');
    await bin.discard(digest, clock.now());
    expect(await content.stat(digest)).toBeUndefined();
    expect((await recoverContent(folder, new DiskPlace(folder, rows), clock)).restored).toBe(1);
    expect((await content.read(digest)).toString()).toBe('crashed');
  });

  it('throws away files that no row knows, after a day', async () => {
    const digest = await put('anchor');
    const stray = digestOf('stray');
    await mkdir(join(folder.content, 'sha256', stray.slice(7, 9)), { recursive: true });
    await writeFile(join(folder.content, 'sha256', stray.slice(7, 9), stray.slice(7)), 'stray');
    expect((await collector.collect()).strays).toBe(0);
    clock.at += 2 * 24 * 60 * 60 * 1000;
    claims.digests.add(digest);
    expect((await collector.collect()).strays).toBe(1);
    expect((await content.read(digest)).toString()).toBe('anchor');
  });
});
