import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskBin } from '../../../src/adapters/disk/disk-bin.ts';
import { Trash } from '../../../src/adapters/disk/trash.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { Collector } from '../../../src/stores/content/collect.ts';
import { registryRoots } from '../../../src/stores/registry/roots.ts';
import { callRegistry, type Sending } from '../../wire/registry-call.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** What people and machines do to clocks. */
const JUMPS = [DAY, -2 * DAY, 365 * DAY, -366 * DAY, 20 * 365 * DAY, -40 * 365 * DAY, 21 * 365 * DAY, 61 * MINUTE];

describe('a registry whose clock is set', () => {
  let server: RegistryServer;
  let secret: string;
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead };
  beforeEach(async () => {
    ahead = 0;
    server = await startRegistryServer({ clock });
    secret = await server.token({ role: 'admin', project: 'p' });
  });
  afterEach(() => server.close());

  const send = (method: string, path: string, sending: Sending = {}) =>
    callRegistry(server.host, method, path.startsWith('/') ? path : `/v2/p/images/app/${path}`, { secret, ...sending });
  const pushBlob = async (bytes: Buffer) => {
    const answer = await send('POST', `blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes });
    expect(answer.status, answer.body.toString()).toBe(201);
  };
  const manifestOf = (...blobs: Buffer[]) => {
    const [config, ...layers] = blobs.map((bytes) => ({
      mediaType: 'application/octet-stream',
      digest: digestOf(bytes),
      size: bytes.length,
    }));
    return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers }));
  };
  const putManifest = (tag: string, ...blobs: Buffer[]) =>
    send('PUT', `manifests/${tag}`, { body: manifestOf(...blobs), headers: { 'Content-Type': MEDIA.ociManifest } });
  const expectWhole = async (tag: string, ...blobs: Buffer[]) => {
    expect((await send('GET', `manifests/${tag}`)).body.equals(manifestOf(...blobs)), tag).toBe(true);
    for (const bytes of blobs) expect((await send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
  };
  /** What an hourly round does, at the worst moment. */
  const keepHouse = async () => {
    await server.uploads.expire();
    await server.store.dropUnusedLinks(clock.now() - DAY);
    const bin = new DiskBin(server.folder.content, new Trash(server.folder.trash));
    await new Collector({ rows: server.blobs, bin, roots: [registryRoots(server.store)], clock }).collect();
  };

  it('keeps every acknowledged image, and every session that is gone on with', async () => {
    const kept: [string, ...Buffer[]][] = [];
    const session = (await send('POST', 'blobs/uploads/')).headers.location ?? '';
    let sent = '';
    for (const [i, jump] of JUMPS.entries()) {
      const blobs = [Buffer.from(`config ${i}`), Buffer.from(`layer ${i}`)];
      for (const bytes of blobs) await pushBlob(bytes);
      expect((await putManifest(`v${i}`, ...blobs)).status).toBe(201);
      kept.push([`v${i}`, ...blobs]);
      ahead += jump;
      await keepHouse();
      expect((await send('PATCH', session, { body: Buffer.from(`part ${i} `) })).status).toBe(202);
      sent += `part ${i} `;
      for (const image of kept) await expectWhole(...image);
    }
    expect((await send('PUT', `${session}?digest=${digestOf(sent)}`)).status).toBe(201);
  });

  it('answers honestly for a push that the clock has overtaken, and takes it again', async () => {
    for (const jump of JUMPS) {
      const blobs = [Buffer.from(`config at ${ahead}`), Buffer.from(`layer at ${ahead}`)];
      for (const bytes of blobs) await pushBlob(bytes);
      ahead += jump;
      await keepHouse();
      const there = await Promise.all(
        blobs.map(async (bytes) => (await send('HEAD', `blobs/${digestOf(bytes)}`)).status),
      );
      const put = await putManifest('v1', ...blobs);
      if (there.every((status) => status === 200)) expect(put.status, put.body.toString()).toBe(201);
      else {
        expect(put.status).toBe(400);
        expect(put.body.toString()).toContain('MANIFEST_BLOB_UNKNOWN');
        for (const bytes of blobs) await pushBlob(bytes);
        expect((await putManifest('v1', ...blobs)).status).toBe(201);
      }
      await expectWhole('v1', ...blobs);
    }
  });

  it('has a blob that a client was just told of when the clock goes back', async () => {
    const bytes = Buffer.from('a layer of somebody who pushes tomorrow');
    await pushBlob(bytes);
    ahead -= 366 * DAY;
    expect((await send('HEAD', `blobs/${digestOf(bytes)}`)).status).toBe(200);
    await keepHouse();
    expect((await putManifest('v1', bytes)).status).toBe(201);
    await expectWhole('v1', bytes);
  });
});
