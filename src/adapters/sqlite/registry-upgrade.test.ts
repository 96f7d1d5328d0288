import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { openDatabase } from './database.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { SqliteRegistry } from './registry.ts';
import { SqliteRepositories } from './repositories.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-upgrade-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The database as it was before repositories had settings and deletion two steps. */
function before(path: string): void {
  const old = new Libsql(path);
  old.exec('create table migrations (name text primary key, at integer not null) strict');
  for (const { name, up } of MIGRATIONS.filter((migration) => migration.name < '0011')) {
    for (const statement of up) old.exec(statement);
    old.prepare('insert into migrations values (?, 1)').run(name);
  }
  const keys = ['eu/shop/images/api', 'eu/shop/images/team/web', 'eu/shop/images-2/api', 'eu/default/images/api'];
  for (const [i, key] of keys.entries()) {
    old.prepare('insert into repositories (id, key, created_at) values (?, ?, ?)').run(i + 1, key, 1_000 - i);
    old.prepare('insert into repository_blobs values (?, ?, 1)').run(i + 1, digestOf('layer'));
    old
      .prepare(
        "insert into manifests (id, repository_id, digest, media_type, size, created_at) values (?, ?, ?, 'm', 5, 1000)",
      )
      .run(i + 10, i + 1, digestOf(key));
    old.prepare("insert into manifest_edges values (?, ?, 'blob')").run(i + 10, digestOf('layer'));
    old.prepare("insert into tags values (?, 'v1', ?, 1000)").run(i + 1, digestOf(key));
  }
  old.prepare('insert into blobs (digest, size, added_at) values (?, 100, 1)').run(digestOf('layer'));
  old.close();
}

it('goes on with what an earlier version wrote', async () => {
  const path = join(folder, 'slipway.db');
  before(path);
  const database = await openDatabase(path);
  try {
    const registry = new SqliteRegistry(database);
    const repositories = new SqliteRepositories(database);
    const made = (await repositories.list()).map(({ repository, project, mode, createdAt }) => ({
      name: `${project}/${repository}`,
      mode,
      createdAt,
    }));
    expect(made).toEqual([
      { name: 'default/images', mode: 'standard', createdAt: 997 },
      { name: 'shop/images', mode: 'standard', createdAt: 999 },
      { name: 'shop/images-2', mode: 'standard', createdAt: 998 },
    ]);
    const key = 'eu/shop/images/api';
    expect(await registry.manifest(key, 'v1')).toMatchObject({ digest: digestOf(key), renewedAt: 1_000 });
    expect(await registry.userOf(key, digestOf('layer'))).toBe(digestOf(key));
    expect(await registry.userOf('eu/shop/images/other', digestOf('layer'))).toBeUndefined();
    expect(await registry.size('eu/shop/images/')).toEqual({ bytes: 110, ownBytes: 10 });
    await registry.deleteManifest(key, digestOf(key), 'ada');
    expect(await registry.forgetDeleted(Date.now() + 1)).toBe(1);
    expect(await registry.dropUnusedLinks(10), 'the other images still name it').toBe(1);
  } finally {
    await database.destroy();
  }
});
