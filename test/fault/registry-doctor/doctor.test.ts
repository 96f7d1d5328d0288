import { chmod, rm, writeFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlobFiles } from '../../../src/adapters/disk/blob-files.ts';
import { type Database, openDatabase } from '../../../src/adapters/sqlite/database.ts';
import type { DoctorLine } from '../../../src/doors/control/house-wire.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { parseManifest } from '../../../src/images/manifest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { log } from '../../../src/lib/log.ts';
import { examineContent } from '../../../src/start/examine-content.ts';
import { examineRegistry } from '../../../src/start/examine-registry.ts';
import { type Owner, openOwner } from '../../../src/start/owner.ts';
import { LEASE_MS } from '../../../src/stores/content/content.ts';
import { describeManifest } from '../../../src/stores/registry/describe.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

const APP = 'europe-central2/p/images/app';
const HOUR_MS = 3_600_000;

describe('the doctor', () => {
  let owner: Owner;
  let rows: Database;
  let files: BlobFiles;
  let close: () => Promise<void>;
  let layer: Digest;
  let image: Digest;
  let index: Digest;
  beforeEach(async () => {
    vi.spyOn(log, 'error').mockImplementation(() => undefined);
    const { folder, remove } = await temporaryDataFolder();
    owner = await openOwner(folder.root, 'a test');
    rows = await openDatabase(folder.database);
    files = new BlobFiles(folder.content);
    close = async () => {
      await rows.destroy();
      await owner.close();
      await remove();
    };
    layer = (await owner.stores.content.put(Buffer.from('a layer'))).digest;
    const config = (await owner.stores.content.put(Buffer.from('{}'))).digest;
    image = await push({
      config: { mediaType: MEDIA.ociConfig, digest: config, size: 2 },
      layers: [{ mediaType: MEDIA.ociLayer, digest: layer, size: 7 }],
      annotations: { of: 'an image' },
    });
    index = await push({ manifests: [{ mediaType: MEDIA.ociManifest, digest: image, size: 1 }] }, ['v1']);
    await push({
      artifactType: 'application/vnd.example.sbom',
      config: { mediaType: MEDIA.ociEmpty, digest: config, size: 2 },
      layers: [],
      subject: { mediaType: MEDIA.ociIndex, digest: index, size: 1 },
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await close();
  });

  const push = async (more: object, tags: string[] = []): Promise<Digest> => {
    const mediaType = 'manifests' in more ? MEDIA.ociIndex : MEDIA.ociManifest;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...more }));
    const { digest } = await owner.stores.content.put(bytes);
    const { required: _, ...description } = describeManifest(parseManifest(bytes), digest, bytes.length);
    await owner.stores.registry.putManifest(APP, { ...description, link: description.blobs, tags, actor: 'ada' });
    return digest;
  };
  const examine = async (repair = false): Promise<Map<string, DoctorLine>> => {
    const lines = new Map<string, DoctorLine>();
    const report = (line: DoctorLine) => void lines.set(line.check, line);
    const examination = { owner, report, repair, signal: new AbortController().signal };
    await examineContent(examination);
    await examineRegistry(examination);
    return lines;
  };
  const bad = (lines: Map<string, DoctorLine>) => [...lines.values()].filter(({ ok }) => !ok).map(({ check }) => check);
  const spoil = async (digest: Digest, bytes: string) => {
    await chmod(files.path(digest), 0o600);
    await writeFile(files.path(digest), bytes);
  };
  /** Everything that the registry has recorded. */
  const recorded = async () => {
    const { rows: manifests } = await sql<{
      digest: Digest;
    }>`select digest, media_type, size, artifact_type, annotations,
      subject from manifests order by digest`.execute(rows);
    const { rows: edges } = await sql`select m.digest as manifest, e.digest, e.kind, e.repository_id, e.deleted
      from manifest_edges e join manifests m on m.id = e.manifest_id order by 1, 2`.execute(rows);
    return { manifests, edges };
  };

  it('is content with what was pushed, and changes nothing of it', async () => {
    const before = await recorded();
    expect(bad(await examine())).toEqual([]);
    const lines = await examine(true);
    expect(bad(lines)).toEqual([]);
    expect([...lines.values()].filter((line) => line.repaired !== undefined)).toEqual([]);
    expect(await recorded()).toEqual(before);
  });

  it.each([
    ['a lost edge', `delete from manifest_edges where kind = 'child'`, 'children'],
    [
      'an edge too many',
      `insert into manifest_edges select id, 'sha256:${'1'.repeat(64)}', 'blob', repository_id, 0 from manifests limit 1`,
      'blobs',
    ],
    ['an edge of the wrong kind', `update manifest_edges set kind = 'blob' where kind = 'child'`, 'blobs, children'],
    ['an edge marked as deleted', 'update manifest_edges set deleted = 1', 'marks of edges'],
    ['an edge of another image', 'update manifest_edges set repository_id = 77', 'marks of edges'],
    ['a lost subject', 'update manifests set subject = null', 'subject'],
    ['another artifact type', `update manifests set artifact_type = 'x'`, 'artifact type'],
    ['another media type', `update manifests set media_type = '${MEDIA.dockerList}'`, 'media type'],
    ['another size', 'update manifests set size = 3', 'size'],
    ['lost annotations', 'update manifests set annotations = null', 'annotations'],
  ])('finds %s, and records anew what the bytes say', async (_, damage, part) => {
    const before = await recorded();
    await sql.raw(damage).execute(rows);
    const found = await examine();
    expect(bad(found)).toEqual(['manifests']);
    expect(found.get('manifests')?.detail).toContain(part);
    expect(bad(await examine(true))).toEqual([]);
    expect(await recorded()).toEqual(before);
    expect(bad(await examine())).toEqual([]);
  });

  it('keeps a deleted image as deleted when it records it anew', async () => {
    await owner.stores.registry.deleteManifest(APP, index, 'ada');
    const before = await recorded();
    await sql`delete from manifest_edges where kind = 'child'`.execute(rows);
    await examine(true);
    expect(await recorded()).toEqual(before);
    expect(await owner.stores.registry.undelete(APP, index, 'ada')).toEqual(['v1']);
  });

  it('moves a blob with wrong bytes out of the way, so that it is pushed again', async () => {
    await spoil(layer, 'b layer');
    expect(await owner.stores.content.stat(layer)).toBeDefined(); // nobody would send it again
    expect(bad(await examine())).toEqual(['stored bytes']);
    const repaired = await examine(true);
    expect(bad(repaired)).toEqual(['stored bytes', 'blobs of images']);
    expect(repaired.get('stored bytes')?.repaired).toContain('1 of them');
    expect(await owner.stores.content.stat(layer)).toBeUndefined();
    expect((await owner.trash.entries()).map(({ name }) => name)).toEqual([`blob-${layer}`]);
    await owner.stores.content.put(Buffer.from('a layer'));
    expect(bad(await examine())).toEqual([]);
  });

  it('leaves a blob that was pushed again while it was being read', async () => {
    await spoil(layer, 'b layer');
    const { inspect } = owner.place;
    owner.place.inspect = async (blob) => {
      const why = await inspect.call(owner.place, blob);
      if (blob.digest === layer) await owner.stores.content.put(Buffer.from('a layer'));
      return why;
    };
    await examine(true);
    expect((await owner.stores.content.read(layer)).toString()).toBe('a layer');
  });

  it('drops the row of a blob whose file is gone', async () => {
    await rm(files.path(layer));
    expect(bad(await examine())).toEqual(['stored bytes']);
    expect(bad(await examine(true))).toEqual(['stored bytes', 'blobs of images']);
    expect(bad(await examine())).toEqual(['blobs of images']);
    await owner.stores.content.put(Buffer.from('a layer'));
    expect(bad(await examine())).toEqual([]);
  });

  it('says which manifests have lost their bytes', async () => {
    await rm(files.path(image));
    const found = await examine();
    expect(bad(found)).toEqual(['stored bytes', 'manifest bytes']);
    expect(found.get('manifest bytes')?.detail).toContain(`${APP}@${image.slice(7, 19)}`);
  });

  it('records files that a crash has left without a row, if their bytes are whole', async () => {
    const [whole, broken] = [Buffer.from('whole'), Buffer.from('broken')].map((bytes) => ({
      bytes,
      digest: digestOf(bytes),
    }));
    for (const { bytes } of [whole, broken] as { bytes: Buffer }[]) await owner.stores.content.put(bytes);
    await sql`delete from blobs where digest in (${whole?.digest}, ${broken?.digest})`.execute(rows);
    await sql`delete from leases`.execute(rows);
    await spoil(broken?.digest as Digest, 'BROKEN');
    expect((await examine()).get('files')?.detail).toBe('none without a record'); // too young to be judged
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * 60_000);
    expect((await examine()).get('files')).toMatchObject({ ok: true, detail: expect.stringContaining('2 without') });
    expect((await examine(true)).get('files')?.repaired).toContain('1 recorded');
    expect(await owner.sweep.present([whole?.digest as Digest, broken?.digest as Digest])).toEqual([whole?.digest]);
    expect((await examine()).get('files')?.detail).toBe('none without a record');
  });

  it('says which tags mean nothing, and leaves them for a person', async () => {
    await sql`update tags set digest = ${layer}`.execute(rows);
    for (const repair of [false, true]) {
      const found = await examine(repair);
      expect(bad(found)).toEqual(['tags']);
      expect(found.get('tags')?.detail).toContain(`${APP}:v1`);
    }
  });

  it('drops links to blobs that are nowhere, but for those that an image needs', async () => {
    await owner.stores.registry.linkBlob(APP, digestOf('nowhere'));
    expect(bad(await examine())).toEqual(['links']);
    expect((await examine(true)).get('links')?.repaired).toBe('1 dropped');
    expect(bad(await examine())).toEqual([]);
    expect(await owner.stores.registry.missingBlobs(APP, [layer, digestOf('nowhere')])).toEqual([digestOf('nowhere')]);
  });

  it('cuts leases that a clock of another year has left', async () => {
    const year = 365 * 24 * HOUR_MS;
    await owner.stores.content.hold('a push', [layer], year);
    expect(bad(await examine())).toEqual(['leases']);
    expect((await examine(true)).get('leases')?.repaired).toContain('1 end');
    expect(bad(await examine())).toEqual([]);
    const [held] = await owner.sweep.page(Date.now(), undefined, 100);
    expect(held?.leasedUntil).toBeGreaterThan(Date.now() + LEASE_MS / 2);
  });
});
