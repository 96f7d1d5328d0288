import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { SqliteSecrets } from '../../src/adapters/sqlite-builds/secrets.ts';
import { SecretKeys } from '../../src/stores/secrets/secret-keys.ts';
import { type OwnedRows, ownRows, remoteRows } from './owned-rows.ts';
import { type OpenedSecrets, secretsSuite } from './secrets-suite.ts';
import { temporaryDataFolder } from './temporary-folder.ts';

async function opened(open: typeof ownRows<SqliteSecrets>): Promise<OpenedSecrets & OwnedRows<SqliteSecrets>> {
  const { folder, remove } = await temporaryDataFolder();
  const keyFile = join(folder.root, 'secrets-key');
  const rows = await open((database) => new SqliteSecrets(database, new SecretKeys(keyFile)));
  const close = async () => {
    await rows.close();
    await remove();
  };
  return { ...rows, secrets: rows.rows, keyFile, databaseFile: rows.folder.database, close };
}

secretsSuite('SQLite, in the owner', () => opened(ownRows));
secretsSuite('through the owner', () => opened(remoteRows));

it('opens a value in its own row alone, and the doctor names what does not open', async () => {
  const { rows, database, close } = await opened(ownRows);
  try {
    for (const secret of ['mine', 'yours']) {
      await rows.create({ project: 'p1', secret }, 'tester');
      await rows.addVersion({ project: 'p1', secret }, Buffer.from(secret).toString('base64'), 'tester');
    }
    expect(await rows.examine()).toEqual({ values: 2, broken: [] });
    await sql`update secret_versions set sealed = (select sealed from secret_versions where secret = 'yours')
      where secret = 'mine'`.execute(database);
    await expect(rows.access({ project: 'p1', secret: 'mine' }, 1, 'tester')).rejects.toMatchObject({
      code: 'failed',
      message: 'its row was changed or damaged: it does not decrypt',
    });
    expect(await rows.examine()).toEqual({
      values: 2,
      broken: [
        {
          name: 'projects/p1/secrets/mine/versions/1',
          why: 'its row was changed or damaged: it does not decrypt',
        },
      ],
    });
  } finally {
    await close();
  }
});

it('leaves nothing in the database of what was destroyed or deleted', async () => {
  const { rows, database, databaseFile, close } = await opened(ownRows);
  const name = { project: 'p1', secret: 'mine' };
  try {
    await rows.create(name, 'tester');
    for (const value of ['first', 'second'])
      await rows.addVersion(name, Buffer.from(value.repeat(99)).toString('base64'), 'tester');
    const { rows: stored } = await sql<{ sealed: string }>`select sealed from secret_versions`.execute(database);
    const found = async () => {
      await sql`pragma wal_checkpoint(truncate)`.execute(database);
      const bytes = await readFile(databaseFile);
      return stored.map(({ sealed }) => bytes.includes(sealed.slice(100, 200)));
    };
    expect(await found()).toEqual([true, true]);
    await rows.setState(name, 1, 'DESTROYED', 'tester');
    expect(await found()).toEqual([false, true]);
    await rows.remove(name, 'tester');
    expect(await found()).toEqual([false, false]);
  } finally {
    await close();
  }
});
