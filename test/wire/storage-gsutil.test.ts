import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clients, clientsOf, installed } from './storage-clients.ts';
import { type StorageServer, startStorageServer } from './storage-server.ts';

const READY = installed('gcloud') && installed('gsutil');

describe.skipIf(!READY)('gsutil through the proxy (needs gcloud and gsutil)', () => {
  let server: StorageServer;
  let clients: Clients;
  const gsutil = (...args: string[]) =>
    clients.ok('gsutil', '-o', `GSUtil:state_dir=${clients.folder}/state`, '-o', 'Boto:num_retries=1', ...args);
  const file = (name: string) => join(clients.folder, name);

  beforeAll(async () => {
    server = await startStorageServer();
    clients = await clientsOf(server, 'p1');
    await server.buckets.createBucket({ name: 'gsutil-bkt', project: 'p1', location: 'us' });
  });
  afterAll(async () => {
    await clients?.close();
    await server?.close();
  });

  it('copies small and large files up and down', async () => {
    const big = randomBytes(20_000_000);
    await mkdir(file('up'));
    await writeFile(file('up/small.txt'), 'hello');
    await writeFile(file('up/big.bin'), big);
    await gsutil('cp', '-r', 'up', 'gs://gsutil-bkt/');
    expect((await server.buckets.stat('gsutil-bkt', 'up/big.bin'))?.size).toBe(big.length);
    await mkdir(file('down'));
    await gsutil('cp', '-r', 'gs://gsutil-bkt/up', 'down');
    expect((await readFile(file('down/up/big.bin'))).equals(big)).toBe(true);
    expect((await gsutil('cat', '-r', '1-3', 'gs://gsutil-bkt/up/small.txt')).stdout).toBe('ell');
  });

  it('synchronises, composes, copies, lists and removes', async () => {
    await mkdir(file('tree/deep'), { recursive: true });
    await writeFile(file('tree/a'), 'hello ');
    await writeFile(file('tree/deep/b'), 'world');
    await gsutil('rsync', '-r', 'tree', 'gs://gsutil-bkt/tree');
    await gsutil('compose', 'gs://gsutil-bkt/tree/a', 'gs://gsutil-bkt/tree/deep/b', 'gs://gsutil-bkt/whole');
    expect(await server.buckets.stat('gsutil-bkt', 'whole')).toMatchObject({ size: 11, crc32c: 'yZRlqg==' });
    await gsutil('cp', 'gs://gsutil-bkt/whole', 'gs://gsutil-bkt/tree/copy');
    const listed = await gsutil('ls', '-l', 'gs://gsutil-bkt/tree');
    expect(listed.stdout).toMatch(/11 {2}\S+ {2}gs:\/\/gsutil-bkt\/tree\/copy\n/);
    await gsutil('rm', '-r', 'gs://gsutil-bkt/tree');
    const left = await server.buckets.list('gsutil-bkt', { prefix: 'tree', limit: 10 });
    expect(left.objects).toEqual([]);
  });
});
