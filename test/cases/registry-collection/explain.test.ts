import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskBin } from '../../../src/adapters/disk/disk-bin.ts';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { Trash } from '../../../src/adapters/disk/trash.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { type BlobVerdict, Collector } from '../../../src/stores/content/collect.ts';
import { LEASE_MS } from '../../../src/stores/content/content.ts';
import { registryRoots } from '../../../src/stores/registry/roots.ts';
import { type OwnedRows, ownRows } from '../../suites/owned-rows.ts';
import { version } from '../../suites/registry-version.ts';

const API = 'eu/shop/images/api';
const OLD = 'eu/shop/old/api';
const HOUR_MS = 3_600_000;

describe('the dry run of a collection', () => {
  let now = Date.now();
  const clock = { now: () => now };
  let own: OwnedRows<SqliteRegistry>;
  let rows: ReturnType<typeof sqliteBlobRows>;
  let content: DiskContent;
  let collector: Collector;
  beforeEach(async () => {
    own = await ownRows((database) => new SqliteRegistry(database, { clock }));
    rows = sqliteBlobRows(own.database, clock);
    content = new DiskContent({ folder: own.folder.content, rows, clock });
    const bin = new DiskBin(own.folder.content, new Trash(own.folder.trash));
    collector = new Collector({ rows, bin, roots: [registryRoots(own.rows)], clock });
  });
  afterEach(() => own.close());

  const push = async (key: string, name: string, children: string[] = []): Promise<Digest> => {
    const layer = (await content.put(Buffer.from(`layer of ${name}`))).digest;
    await own.rows.linkBlob(key, layer);
    const digests = children.map((child) => digestOf(child));
    const manifest = (await content.put(Buffer.from(name))).digest;
    await own.rows.putManifest(key, version(name, { blobs: [layer], children: digests, required: [layer] }));
    return manifest;
  };
  const verdicts = async (): Promise<Map<Digest, BlobVerdict>> => {
    const found = new Map<Digest, BlobVerdict>();
    for await (const page of collector.explain()) for (const verdict of page) found.set(verdict.digest, verdict);
    return found;
  };
  const present = async () => new Set((await rows.page(now, undefined, 1000)).map((row) => row.digest));

  it('says at every moment what the next round then does', async () => {
    await push(API, 'stays');
    const child = await push(API, 'child');
    await push(API, 'index', ['child']);
    const alone = await push(API, 'alone');
    await push(OLD, 'of a repository that goes');
    await own.rows.linkBlob(API, (await content.put(Buffer.from('of a push that broke off'))).digest);
    await content.put(Buffer.from('of nobody'));
    await own.rows.deleteManifest(API, child, 'ada'); // its index keeps it
    await own.rows.deleteManifest(API, alone, 'ada');
    const repositories = new SqliteRepositories(own.database, clock);
    await repositories.remove({ location: 'eu', project: 'shop', repository: 'old' }, 'ada');

    const went: string[] = [];
    for (let round = 0; round < 200; round++) {
      const before = await present();
      const promised = [...(await verdicts()).values()].filter(({ goes }) => goes).map(({ digest }) => digest);
      expect(await present()).toEqual(before);
      await own.rows.forgetDeleted(now - 168 * HOUR_MS);
      await own.rows.dropUnusedLinks(now - 24 * HOUR_MS);
      await collector.collect();
      const after = await present();
      const gone = [...before].filter((digest) => !after.has(digest));
      expect(promised, `hour ${round}`).toEqual(gone);
      if (gone.length > 0) went.push(`${gone.length} after ${round} h`);
      now += HOUR_MS;
    }
    expect(went).toEqual(['1 after 1 h', '1 after 25 h', '4 after 169 h']);
  });

  it('names who keeps a blob, and until when', async () => {
    const kept = await push(API, 'kept');
    const deleted = await push(API, 'deleted');
    const pending = (await content.put(Buffer.from('pending'))).digest;
    await own.rows.linkBlob(API, pending);
    await own.rows.deleteManifest(API, deleted, 'ada');
    const loose = (await content.put(Buffer.from('loose'))).digest;
    const found = await verdicts();
    const claimsOn = (digest: Digest) => found.get(digest)?.claims.map(({ by, until }) => ({ by, until }));
    expect(claimsOn(kept)).toEqual([{ by: `image ${API}`, until: undefined }]);
    expect(claimsOn(digestOf('layer of kept'))).toEqual([{ by: `image ${API}`, until: undefined }]);
    for (const digest of [deleted, digestOf('layer of deleted')])
      expect(claimsOn(digest)).toEqual([{ by: `deleted image ${API}`, until: now + 168 * HOUR_MS }]);
    expect(claimsOn(pending)).toEqual([{ by: `pushed to ${API} lately`, until: now + 24 * HOUR_MS }]);
    expect(found.get(loose)).toMatchObject({ claims: [], goes: false, leasedUntil: now + LEASE_MS });
  });

  it('agrees with the collector about every digest that is claimed', async () => {
    await push(API, 'one');
    await own.rows.deleteManifest(API, await push(API, 'two'), 'ada');
    const all = [...(await present())];
    const roots = registryRoots(own.rows);
    const explained = (await roots.explain?.(all))?.map((claim) => claim.digest) ?? [];
    expect(explained.sort()).toEqual((await roots.claimed(all)).sort());
  });
});
