import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobPool } from '../../../src/adapters/disk/blob-pool.ts';
import type { Digest } from '../../../src/images/digest.ts';
import { callRegistry } from '../../wire/registry-call.ts';
import { slipway, TestServer } from '../../wire/server.ts';
import { pullImage } from '../registry-soak/image-pull.ts';
import { SoakClient } from '../registry-soak/soak-client.ts';
import { SoakServer } from '../registry-soak/soak-server.ts';

const NAMES = Array.from({ length: 6 }, (_, n) => `demo/team-${n}/app`);

describe('a backup of a server at work', () => {
  let folder: string;
  let server: SoakServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-backup-'));
    server = await SoakServer.start(Date.now());
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const backup = async (...more: string[]) => {
    const made = await slipway(['backup', join(folder, 'backup'), '--data', server.data, '--json', ...more]);
    expect(made.code, made.stderr).toBe(0);
    return JSON.parse(made.stdout) as { name: string; blobs: number; added: number; dropped: number };
  };

  it('holds every tag bit by bit, whatever is pushed, deleted and collected meanwhile', async () => {
    const clients = NAMES.map((_, n) => new SoakClient(server, 7, n, NAMES));
    const before = new SoakClient(server, 7, NAMES.length, [...NAMES, 'demo/before/app']);
    for (let n = 0; n < 4; n++) await before.pushIndex();
    let over = false;
    const works = clients.map((client) => client.work(() => over));
    const pruning = (async () => {
      while (!over) await server.prune();
    })();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const first = await backup();
    const second = await backup();
    over = true;
    await Promise.all([...works, pruning]);
    expect(first.added).toBe(first.blobs);
    expect(second.added).toBeLessThan(second.blobs);
    expect(second.name > first.name).toBe(true);

    for (const name of [first.name, second.name]) {
      const restored = await restoredServer(name);
      try {
        const tags = await everyTagPulls(restored);
        expect(tags).toBeGreaterThan(before.model.tags().length);
        for (const tag of before.model.tags()) {
          const head = await restored.get(`/v2/demo/before/app/manifests/${tag}`).catch(() => undefined);
          expect(head, tag).toBeDefined();
        }
        const doctor = await restored.cli(['doctor', '--json']);
        const lines = doctor.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { check: string; ok: boolean });
        expect(lines.filter(({ check, ok }) => !ok && !['containers', 'disk'].includes(check))).toEqual([]);
        expect(await restored.token()).toBe(server.secret);
      } finally {
        await restored.close();
      }
    }
  });

  it('keeps secrets to its owner, and leaves caches out', async () => {
    const [name = ''] = await readdir(join(folder, 'backup/snapshots'));
    const snapshot = join(folder, 'backup/snapshots', name);
    expect((await stat(snapshot)).mode & 0o777).toBe(0o700);
    for (const file of ['files/token', 'files/signing-key', 'slipway.db'])
      expect((await stat(join(snapshot, file))).mode & 0o777, file).toBe(0o600);
    expect((await readdir(snapshot)).sort()).toEqual(['files', 'logs', 'slipway.db']);
    for (const file of await readdir(join(snapshot, 'files'))) expect(file).not.toMatch(/sock|lock|slipway\.db/);
  });

  it('tells which blobs a backup has lost, and lays the rest out', async () => {
    const { name } = await backup();
    const pool = new BlobPool(join(folder, 'backup/content'));
    const [damaged, lost] = (await blobsOf(join(folder, 'backup/content'))) as [Digest, Digest];
    // a second name of the server's own file: another file takes its place, as a damaged disk would have it
    const bytes = await readFile(pool.path(damaged));
    await rm(pool.path(damaged));
    await writeFile(pool.path(damaged), bytes.fill(0));
    await rm(pool.path(lost));
    const data = join(folder, 'damaged');
    const said = await slipway(['restore', join(folder, 'backup'), '--snapshot', name, '--data', data, '--json']);
    expect(said.code).toBe(1);
    expect(new Set((JSON.parse(said.stdout) as { absent: Digest[] }).absent)).toEqual(new Set([damaged, lost]));
    await rm(pool.path(damaged));
    expect((await backup()).added).toBe(2);
  });

  it('keeps as many backups as were asked for, and the blobs of those', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { dropped, blobs } = await backup('--keep', '1');
    expect(dropped).toBeGreaterThan(1);
    expect(await readdir(join(folder, 'backup/snapshots'))).toHaveLength(1);
    expect(await blobsOf(join(folder, 'backup/content'))).toHaveLength(blobs);
    const restored = await restoredServer(undefined);
    expect(await everyTagPulls(restored)).toBeGreaterThan(0);
    await restored.close();
  });

  it('goes neither into the data folder nor over one', async () => {
    const inside = await slipway(['backup', join(server.data, 'backup'), '--data', server.data]);
    expect([inside.code, inside.stderr]).toEqual([1, expect.stringContaining('lies in the data folder')]);
    const over = await slipway(['restore', join(folder, 'backup'), '--data', server.data]);
    expect([over.code, over.stderr]).toEqual([1, expect.stringContaining('there is something')]);
    const none = await slipway(['restore', folder, '--data', join(folder, 'none')]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no backup')]);
  });

  async function restoredServer(snapshot: string | undefined): Promise<TestServer> {
    const data = join(folder, `restored-${snapshot ?? 'latest'}`);
    const which = snapshot === undefined ? [] : ['--snapshot', snapshot];
    const said = await slipway(['restore', join(folder, 'backup'), ...which, '--data', data]);
    expect(said.code, said.stderr).toBe(0);
    return TestServer.start({ data });
  }
});

async function everyTagPulls(server: TestServer): Promise<number> {
  const secret = await server.token();
  const send: SoakServer['send'] = (method, path, sending) =>
    callRegistry(server.host, method, path, { secret, ...sending });
  const { repositories } = (await server.get('/v2/_catalog')) as { repositories: string[] };
  let pulled = 0;
  for (const repository of repositories) {
    const { tags } = (await server.get(`/v2/${repository}/tags/list`)) as { tags: string[] | null };
    for (const tag of tags ?? []) {
      expect(await pullImage({ send }, repository, tag), `${repository}:${tag}`).toBeDefined();
      pulled++;
    }
  }
  return pulled;
}

async function blobsOf(content: string): Promise<string[]> {
  const files = await readdir(join(content, 'sha256'), { recursive: true });
  return files.filter((file) => file.length > 10).map((file) => `sha256:${file.slice(3)}`);
}
