import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobFiles } from '../../../src/adapters/disk/blob-files.ts';
import type { BlobFate } from '../../../src/doors/control/house-wire.ts';
import { shortDigest } from '../../../src/images/digest.ts';
import { Choices } from '../../fault/registry-soak/choices.ts';
import { pushImage } from '../../fault/registry-soak/image-push.ts';
import { madeBlob, madeImage } from '../../fault/registry-soak/made-images.ts';
import { SoakServer } from '../../fault/registry-soak/soak-server.ts';
import { slipway } from '../../wire/server.ts';

const REPOSITORY = 'demo/shop/api';
const KEY = `europe-central2/${REPOSITORY}`;

describe('the house from the command line', () => {
  let server: SoakServer;
  const image = madeImage(madeBlob(1), [madeBlob(2)]);
  beforeAll(async () => {
    server = await SoakServer.start(Date.now());
    await pushImage(server, new Choices(1), { repository: REPOSITORY, tag: 'v1', from: [REPOSITORY] }, image);
  });
  afterAll(() => server?.close());

  const run = (...args: string[]) => slipway([...args, '--data', server.data]);

  it('says of every blob why it stays', async () => {
    const said = await run('prune', '--dry-run');
    expect(said.code, said.stderr).toBe(0);
    const lines = said.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const { digest } of [image, ...image.blobs])
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^stays  ${shortDigest(digest)} .* image ${KEY}$`)),
      );
    expect(said.stderr).toMatch(/^0 blobs, 0 B, would go to the trash; 3 blobs, .* stay\.$/m);
  });

  it('says of a deleted image until when it can come back, for programs too', async () => {
    const path = `/v2/${REPOSITORY}/manifests/${image.digest}`;
    expect((await server.send('DELETE', path)).status).toBe(202);
    const said = await run('prune', '--dry-run', '--json');
    const fates = said.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as BlobFate);
    expect(fates.map(({ digest }) => digest).sort()).toEqual(
      [image, ...image.blobs].map(({ digest }) => digest).sort(),
    );
    const reasons = new Map(fates.map(({ digest, reason }) => [digest, reason]));
    expect(reasons.get(image.digest)).toBe(`deleted image ${KEY}`);
    // links outlive the hour for which this server keeps what was deleted
    for (const { digest } of image.blobs) expect(reasons.get(digest)).toBe(`pushed to ${KEY} lately`);
    for (const { until, goes } of fates) {
      expect(goes).toBe(false);
      expect(until).toBeGreaterThan(0);
    }
  });

  it('refuses to guess what the limits of the cache would take', async () => {
    const said = await run('prune', '--dry-run', '--cache');
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining('--dry-run looks at what is there now')]);
  });

  it('repairs what it can, and says what it did', async () => {
    const [blob] = image.blobs;
    const file = new BlobFiles(join(server.data, 'content')).path(blob?.digest ?? image.digest);
    await chmod(file, 0o600);
    await writeFile(file, Buffer.alloc(blob?.size ?? 0));
    expect((await run('doctor')).stdout).toMatch(
      /^BAD {2}stored bytes +1 of 3 blobs are damaged: .* holds other bytes$/m,
    );
    const repaired = await run('doctor', '--repair');
    expect(repaired.stdout).toMatch(/^ +Repaired: 1 of them count as absent now; /m);
    const head = await server.send('HEAD', `/v2/${REPOSITORY}/blobs/${blob?.digest}`);
    expect(head.status).toBe(404);
    const quick = await run('doctor', '--quick', '--repair');
    expect(quick.code).toBe(2);
  });
});
