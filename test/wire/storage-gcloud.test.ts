import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clients, clientsOf, installed } from './storage-clients.ts';
import { type StorageServer, startStorageServer } from './storage-server.ts';

/** Enough for gcloud's parallel composite uploads, which begin above 150 MiB; slow, so only on request. */
const LONG = process.env['SLIPWAY_TEST_LONG'] === '1';

describe.skipIf(!installed('gcloud'))('gcloud storage through the proxy (needs gcloud)', () => {
  let server: StorageServer;
  let clients: Clients;
  const gcloud = (...args: string[]) => clients.ok('gcloud', 'storage', ...args);
  const file = (name: string) => join(clients.folder, name);

  beforeAll(async () => {
    server = await startStorageServer();
    clients = await clientsOf(server, 'p1');
  });
  afterAll(async () => {
    await clients?.close();
    await server?.close();
  });

  it('makes a bucket, uploads, lists, reads a range, downloads, and removes it all', async () => {
    await gcloud('buckets', 'create', 'gs://gcloud-bkt', '--location=europe-central2');
    expect((await server.buckets.bucket('gcloud-bkt'))?.project).toBe('p1');
    const big = randomBytes(20_000_000);
    await mkdir(file('up/sub dir'), { recursive: true });
    await writeFile(file('up/small.txt'), '0123456789');
    await writeFile(file('up/empty'), '');
    await writeFile(file('up/sub dir/big.bin'), big);
    await gcloud('cp', '-r', 'up', 'gs://gcloud-bkt/');
    const stored = await server.buckets.stat('gcloud-bkt', 'up/sub dir/big.bin');
    expect(stored?.md5).toBe(createHash('md5').update(big).digest('base64'));
    const listed = await gcloud('ls', '-r', 'gs://gcloud-bkt/**');
    expect(listed.stdout.trim().split('\n').sort()).toEqual([
      'gs://gcloud-bkt/up/empty',
      'gs://gcloud-bkt/up/small.txt',
      'gs://gcloud-bkt/up/sub dir/big.bin',
    ]);
    expect((await gcloud('cat', '-r', '2-5', 'gs://gcloud-bkt/up/small.txt')).stdout).toBe('2345');
    await mkdir(file('down'));
    await gcloud('cp', '-r', 'gs://gcloud-bkt/up', 'down');
    expect((await readFile(file('down/up/sub dir/big.bin'))).equals(big)).toBe(true);
    expect(await readFile(file('down/up/empty'), 'utf8')).toBe('');
    await gcloud('rm', '-r', 'gs://gcloud-bkt');
    expect(await server.buckets.bucket('gcloud-bkt')).toBeUndefined();
  });

  it('synchronises folders and copies between buckets', async () => {
    await server.buckets.createBucket({ name: 'sync-bkt', project: 'p1', location: 'us' });
    await mkdir(file('tree/deep'), { recursive: true });
    await writeFile(file('tree/a'), 'a');
    await writeFile(file('tree/deep/b'), 'b');
    await gcloud('rsync', '-r', 'tree', 'gs://sync-bkt/tree');
    const before = await server.buckets.stat('sync-bkt', 'tree/a');
    expect(before?.metadata?.['goog-reserved-file-mtime']).toMatch(/^\d+$/);
    await writeFile(file('tree/deep/b'), 'B!');
    await gcloud('rsync', '-r', 'tree', 'gs://sync-bkt/tree');
    expect((await server.buckets.stat('sync-bkt', 'tree/a'))?.generation).toBe(before?.generation);
    expect((await server.buckets.stat('sync-bkt', 'tree/deep/b'))?.size).toBe(2);
    await gcloud('cp', 'gs://sync-bkt/tree/a', 'gs://sync-bkt/copy/a b');
    expect((await server.buckets.stat('sync-bkt', 'copy/a b'))?.digest).toBe(before?.digest);
  });

  it('tells the person whose bucket it may not read', async () => {
    await server.buckets.createBucket({ name: 'foreign-bkt', project: 'p2', location: 'us' });
    await expect(gcloud('ls', 'gs://foreign-bkt')).rejects.toThrow(/role reader in project p2/);
  });

  it.skipIf(!LONG)('uploads more than 150 MiB in parallel and composes it (SLIPWAY_TEST_LONG=1)', async () => {
    await server.buckets.createBucket({ name: 'huge-bkt', project: 'p1', location: 'us' });
    const huge = randomBytes(200_000_000);
    await writeFile(file('huge.bin'), huge);
    await gcloud('cp', 'huge.bin', 'gs://huge-bkt/huge.bin');
    expect(server.requests.some((request) => request.includes('/compose 200'))).toBe(true);
    await gcloud('cp', 'gs://huge-bkt/huge.bin', 'back.bin');
    expect((await readFile(file('back.bin'))).equals(huge)).toBe(true);
    expect((await server.buckets.list('huge-bkt', { limit: 10 })).objects).toHaveLength(1);
  });
});
