import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskBin } from '../../../src/adapters/disk/disk-bin.ts';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { Trash } from '../../../src/adapters/disk/trash.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import type { Digest } from '../../../src/images/digest.ts';
import { Collector } from '../../../src/stores/content/collect.ts';
import { LEASE_MS } from '../../../src/stores/content/content.ts';
import { registryRoots } from '../../../src/stores/registry/roots.ts';
import { type OwnedRows, ownRows } from '../../suites/owned-rows.ts';
import { version } from '../../suites/registry-version.ts';

const API = 'eu/shop/images/api';
const HOUR_MS = 3_600_000;

describe('the bytes of a deleted image', () => {
  let now = Date.now();
  const clock = { now: () => now };
  let own: OwnedRows<SqliteRegistry>;
  let content: DiskContent;
  let collector: Collector;
  beforeEach(async () => {
    own = await ownRows((database) => new SqliteRegistry(database, { clock }));
    const rows = sqliteBlobRows(own.database, clock);
    content = new DiskContent({ folder: own.folder.content, rows, clock });
    const bin = new DiskBin(own.folder.content, new Trash(own.folder.trash));
    collector = new Collector({ rows, bin, roots: [registryRoots(own.rows)], clock });
  });
  afterEach(() => own.close());

  /** What housekeeping does each hour, with images that may come back for a week. */
  const housekeeping = async () => {
    now += HOUR_MS + LEASE_MS;
    await own.rows.forgetDeleted(now - 168 * HOUR_MS);
    await own.rows.dropUnusedLinks(now - 24 * HOUR_MS);
    return (await collector.collect()).blobs;
  };

  const push = async (): Promise<{ layer: Digest; manifest: Digest }> => {
    const layer = (await content.put(Buffer.from('layer'))).digest;
    await own.rows.linkBlob(API, layer);
    const manifest = (await content.put(Buffer.from('image'))).digest;
    await own.rows.putManifest(API, version('image', { blobs: [layer], required: [layer], tags: ['v1'] }));
    return { layer, manifest };
  };

  it('are there for as long as it can come back, and go after that', async () => {
    const { layer, manifest } = await push();
    await own.rows.deleteManifest(API, manifest, 'ada');
    for (let round = 0; round < 20; round++) expect(await housekeeping()).toBe(0);
    expect(await own.rows.undelete(API, manifest, 'ada')).toEqual(['v1']);
    expect((await content.read(manifest)).toString()).toBe('image');
    expect((await content.read(layer)).toString()).toBe('layer');
    expect(await own.rows.missingBlobs(API, [layer])).toEqual([]);

    await own.rows.deleteManifest(API, manifest, 'ada');
    now += 168 * HOUR_MS;
    expect(await housekeeping()).toBe(2);
    expect(await content.stat(layer)).toBeUndefined();
    expect(await own.rows.undelete(API, manifest, 'ada')).toBeUndefined();
  });

  it('serve the next push of it, which then need not send them', async () => {
    const { layer, manifest } = await push();
    await own.rows.deleteManifest(API, manifest, 'ada');
    for (let round = 0; round < 20; round++) await housekeeping();
    expect(await own.rows.touchBlob(API, layer)).toBe(true);
    expect(await own.rows.putManifest(API, version('image', { blobs: [layer], required: [layer] }))).toEqual([]);
    now += 400 * HOUR_MS;
    expect(await housekeeping()).toBe(0);
    expect((await content.read(layer)).toString()).toBe('layer');
  });

  it('stay for a while when the whole repository is removed', async () => {
    await push();
    const repositories = new SqliteRepositories(own.database, clock);
    await repositories.remove({ location: 'eu', project: 'shop', repository: 'images' }, 'ada');
    expect(await housekeeping()).toBe(0);
    now += 168 * HOUR_MS;
    expect(await housekeeping()).toBe(2);
  });
});
