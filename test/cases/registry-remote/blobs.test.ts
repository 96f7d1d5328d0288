import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskBin } from '../../../src/adapters/disk/disk-bin.ts';
import { Trash } from '../../../src/adapters/disk/trash.ts';
import { FlightControl } from '../../../src/adapters/owner/flights.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { Collector } from '../../../src/stores/content/collect.ts';
import { registryRoots } from '../../../src/stores/registry/roots.ts';
import { type PlantedImage, PlantedUpstream } from './planted-upstream.ts';
import { bytesOf, key, RemoteHouse } from './remote-house.ts';

const LAYER = randomBytes(3_000_000);
const LAYER_DIGEST = digestOf(LAYER);

let upstream: PlantedUpstream;
let house: RemoteHouse;
let image: PlantedImage;

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  house = await RemoteHouse.open();
  await house.remote('hub', `http://${upstream.host}`);
  image = upstream.image('team/app:1', LAYER);
});
afterEach(async () => {
  await house.close();
  await upstream.stop();
});

const app = key('hub/team/app');
const leftovers = () => readdir(join(house.folder.content, 'ingest')).catch(() => []);

async function manifestPulled(): Promise<void> {
  await house.pulls.manifest(app, '1');
  upstream.took();
}

/** Sends the first bytes of the layer, and the rest when `release` is called. */
function plantSlowLayer(first = 1_000_000): { release(): void } {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  upstream.plan = async (request, response) => {
    if (request.method !== 'GET' || !request.url?.endsWith(LAYER_DIGEST)) return false;
    response.writeHead(200, { 'content-length': LAYER.length });
    response.write(LAYER.subarray(0, first));
    await gate;
    response.end(LAYER.subarray(first));
    return true;
  };
  return { release: () => release() };
}

async function firstBytes(stream: Readable, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < count) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) await new Promise((resolve) => stream.once('readable', resolve));
    else {
      chunks.push(chunk);
      size += chunk.length;
    }
  }
  return Buffer.concat(chunks);
}

async function open(): Promise<Readable> {
  const blob = await house.pulls.blob(app, LAYER_DIGEST);
  if (blob === undefined) throw new Error('no blob');
  return blob.open();
}

describe('a layer of a remote repository', () => {
  it('is fetched once for many that wait, and streams to all of them while it is being stored', async () => {
    await manifestPulled();
    const slow = plantSlowLayer();
    const readers = await Promise.all(Array.from({ length: 8 }, () => open()));
    for (const reader of readers) await firstBytes(reader, 999_999);
    expect(await house.content.stat(LAYER_DIGEST)).toBeUndefined(); // all have bytes of what isn't stored yet
    slow.release();
    const whole = await Promise.all(
      readers.map(async (reader) => {
        let size = 999_999;
        for await (const chunk of reader) size += (chunk as Buffer).length;
        return size;
      }),
    );
    for (const size of whole) expect(size).toBeGreaterThanOrEqual(LAYER.length - 1);
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['GET blobs digest']);
    expect(await leftovers()).toEqual([]);
  });

  it('gives a part of what is on its way, and tells its size to HEAD without a fetch', async () => {
    await manifestPulled();
    expect((await house.pulls.blob(app, LAYER_DIGEST, { head: true }))?.info.size).toBe(LAYER.length);
    expect(upstream.took()).toEqual([]);
    const blob = await house.pulls.blob(app, LAYER_DIGEST);
    const part: Buffer[] = [];
    for await (const chunk of (await blob?.open({ start: 2_000_000, end: 2_000_009 })) ?? [])
      part.push(chunk as Buffer);
    expect(Buffer.concat(part).equals(LAYER.subarray(2_000_000, 2_000_010))).toBe(true);
  });

  it('arrives for the others, and for good, when the first one goes away', async () => {
    await manifestPulled();
    const slow = plantSlowLayer();
    const goes = await open();
    const stays = await open();
    await firstBytes(goes, 1000);
    goes.destroy();
    slow.release();
    const chunks: Buffer[] = [];
    for await (const chunk of stays) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['GET blobs digest']);
  });

  it('is stored though everybody has gone', async () => {
    await manifestPulled();
    const slow = plantSlowLayer();
    const only = await open();
    await firstBytes(only, 1000);
    only.destroy();
    slow.release();
    await house.pulls.bring(app, LAYER_DIGEST);
    expect(await house.content.stat(LAYER_DIGEST)).toMatchObject({ size: LAYER.length });
    expect(upstream.took()).toEqual(['GET blobs digest']);
  });

  it('is taken up where the connection broke', async () => {
    await manifestPulled();
    let cuts = 0;
    upstream.plan = (request, response) => {
      if (request.method !== 'GET' || !request.url?.includes('/blobs/') || cuts++ > 0) return false;
      response.writeHead(200, { 'content-length': LAYER.length });
      response.write(LAYER.subarray(0, 1_000_000), () => response.destroy());
      return true;
    };
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['GET blobs digest', 'GET blobs digest']);
  });

  it('cuts all who read it when upstream breaks off for good, and leaves nothing', async () => {
    await manifestPulled();
    upstream.plan = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      if (request.headers.range !== undefined) return response.writeHead(503).end() !== undefined;
      response.writeHead(200, { 'content-length': LAYER.length });
      response.write(LAYER.subarray(0, 1_000_000), () => response.destroy());
      return true;
    };
    const readers = await Promise.all([open(), open()]);
    const ends = await Promise.allSettled(
      readers.map(async (reader) => {
        for await (const _ of reader);
      }),
    );
    expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected']);
    expect(await house.content.stat(LAYER_DIGEST)).toBeUndefined();
    expect(await house.registry.hasBlob(app, LAYER_DIGEST)).toBe(false);
    expect(await leftovers()).toEqual([]);
    upstream.plan = () => false;
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
  });

  it('of other bytes than promised never ends well', async () => {
    await manifestPulled();
    upstream.blobs.set(LAYER_DIGEST, randomBytes(LAYER.length));
    await expect(bytesOf(house.pulls, app, LAYER_DIGEST)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await house.content.stat(LAYER_DIGEST)).toBeUndefined();
    expect(await leftovers()).toEqual([]);
  });

  it('that upstream refuses is an error before the first byte', async () => {
    await manifestPulled();
    upstream.plan = (_request, response) => response.writeHead(429).end() !== undefined;
    await expect(open()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('ends for those who wait when the server does', async () => {
    await manifestPulled();
    plantSlowLayer();
    const reader = await open();
    await firstBytes(reader, 10);
    const ended = (async () => {
      for await (const _ of reader);
    })();
    ended.catch(() => undefined);
    await house.pulls.close();
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    expect(await leftovers()).toEqual([]);
  });

  it('comes once though two processes want it', async () => {
    await manifestPulled();
    const locks = new FlightControl();
    const [one, other] = [house.another({ locks: locks.of() }), house.another({ locks: locks.of() })];
    const both = await Promise.all([bytesOf(one, app, LAYER_DIGEST), bytesOf(other, app, LAYER_DIGEST)]);
    for (const bytes of both) expect(bytes.equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['GET blobs digest']);
    expect(locks.size).toBe(0);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('whose layer it is', () => {
  it('opens nothing that lies here for others: the bytes have to come from upstream', async () => {
    await house.content.put(LAYER);
    await manifestPulled();
    await bytesOf(house.pulls, app, LAYER_DIGEST);
    expect(upstream.took()).toEqual(['GET blobs digest']);
  });

  it('is fetched once for all images of the repository that have it', async () => {
    await manifestPulled();
    await bytesOf(house.pulls, app, LAYER_DIGEST);
    upstream.image('team/other:1', LAYER);
    const other = key('hub/team/other');
    await house.pulls.manifest(other, '1');
    upstream.took();
    expect((await bytesOf(house.pulls, other, LAYER_DIGEST)).equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['HEAD blobs digest']);
    await bytesOf(house.pulls, other, LAYER_DIGEST);
    expect(upstream.took()).toEqual([]);
  });

  it('is not opened by the manifest of another image that names it without having it', async () => {
    await manifestPulled();
    await bytesOf(house.pulls, app, LAYER_DIGEST);
    upstream.image('team/evil:1', LAYER);
    const evil = key('hub/team/evil');
    await house.pulls.manifest(evil, '1');
    upstream.plan = async (request, response) => {
      if (!request.url?.includes('/team/evil/blobs/')) return false;
      response.writeHead(404, { 'content-length': 0 }).end();
      return true;
    };
    expect(await house.pulls.blob(evil, LAYER_DIGEST)).toBeUndefined();
    expect(await house.pulls.bring(evil, LAYER_DIGEST)).toBe(false);
  });

  it('is asked of upstream when no manifest here names it, as by a client that has its manifest from elsewhere', async () => {
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['HEAD blobs digest', 'GET blobs digest']);
    expect(await house.pulls.blob(app, digestOf('never heard of'))).toBeUndefined();
  });

  it('stays for one image when another that has it goes, and comes again if it was collected', async () => {
    upstream.image('team/other:1', LAYER);
    const other = key('hub/team/other');
    for (const name of [app, other]) {
      await house.pulls.manifest(name, '1');
      await bytesOf(house.pulls, name, LAYER_DIGEST);
    }
    const sweep = sqliteBlobRows(house.database);
    const collect = async () => {
      await house.registry.forgetDeleted(Number.MAX_SAFE_INTEGER);
      await house.registry.dropUnusedLinks(Number.MAX_SAFE_INTEGER);
      const collector = new Collector({
        rows: sweep,
        bin: new DiskBin(house.folder.content, new Trash(house.folder.trash)),
        roots: [registryRoots(house.registry)],
        clock: { now: () => Date.now() + 7_200_000 },
      });
      return collector.collect();
    };
    await house.registry.deleteManifest(other, image.digest, 'owner');
    await house.registry.deleteManifest(other, upstream.tags.get('team/other:1') ?? image.digest, 'owner');
    await collect();
    await upstream.stop();
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
    await upstream.listen();
    await house.registry.deleteManifest(app, image.digest, 'owner');
    expect((await collect()).blobs).toBeGreaterThan(0);
    expect(await house.content.stat(LAYER_DIGEST)).toBeUndefined();
    await house.pulls.manifest(app, '1');
    expect((await bytesOf(house.pulls, app, LAYER_DIGEST)).equals(LAYER)).toBe(true);
  });
});
