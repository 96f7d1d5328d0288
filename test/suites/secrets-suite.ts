import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_SECRET_BYTES, type SecretName, type SecretStore } from '../../src/stores/secrets/secrets.ts';

export interface OpenedSecrets {
  secrets: SecretStore;
  keyFile: string;
  databaseFile: string;
  close(): Promise<void>;
}

const NAME: SecretName = { project: 'p1', secret: 'npm-token' };
const VALUE = 'hush-3f9b1c77a2';

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

/** What every store of secrets does. */
export function secretsSuite(name: string, open: () => Promise<OpenedSecrets>): void {
  describe(`secrets: ${name}`, () => {
    let opened: OpenedSecrets;
    let secrets: SecretStore;

    beforeEach(async () => {
      opened = await open();
      secrets = opened.secrets;
    });
    afterEach(() => opened.close());

    const read = async (version: number | 'latest' = 'latest', of = NAME) =>
      Buffer.from((await secrets.access(of, version, 'tester')).payload, 'base64').toString();
    const kept = async (...values: string[]) => {
      await secrets.create(NAME, 'tester');
      for (const value of values) await secrets.addVersion(NAME, base64(value), 'tester');
    };

    it('gives back what it was given, each version by its number and the newest as latest', async () => {
      await kept('first', VALUE);
      expect(await read(1)).toBe('first');
      expect(await read()).toBe(VALUE);
      expect((await secrets.access(NAME, 'latest', 'tester')).version).toBe(2);
      expect((await secrets.versions(NAME)).map(({ version, state }) => [version, state])).toEqual([
        [2, 'ENABLED'],
        [1, 'ENABLED'],
      ]);
    });

    it('keeps bytes that are no text, and the longest', async () => {
      const bytes = Buffer.alloc(MAX_SECRET_BYTES, Buffer.from([0, 255, 10, 128]));
      await secrets.create(NAME, 'tester');
      await secrets.addVersion(NAME, base64(bytes), 'tester');
      expect((await secrets.access(NAME, 1, 'tester')).payload).toBe(base64(bytes));
      await expect(
        secrets.addVersion(NAME, base64(Buffer.alloc(MAX_SECRET_BYTES + 1, 1)), 'tester'),
      ).rejects.toMatchObject({ code: 'invalid', message: 'a secret may have 65536 bytes; this one has 65537' });
      await expect(secrets.addVersion(NAME, '', 'tester')).rejects.toMatchObject({ code: 'invalid' });
    });

    it('lists names of one project, without values', async () => {
      await kept(VALUE);
      await secrets.create({ project: 'p1', secret: 'A_KEY' }, 'tester', { team: 'web' });
      await secrets.create({ project: 'p2', secret: 'other' }, 'tester');
      const list = await secrets.list('p1');
      expect(list.map(({ secret, labels }) => [secret, labels])).toEqual([
        ['A_KEY', { team: 'web' }],
        ['npm-token', {}],
      ]);
      expect(JSON.stringify(list)).not.toContain(VALUE);
    });

    it.each(['', 'a/b', 'a b', 'a'.repeat(256), 'ą'])('refuses the name %j', async (secret) => {
      await expect(secrets.create({ project: 'p1', secret }, 'tester')).rejects.toMatchObject({ code: 'invalid' });
    });

    it('refuses a name that is taken, and keeps projects apart', async () => {
      await kept(VALUE);
      await expect(secrets.create(NAME, 'tester')).rejects.toMatchObject({ code: 'conflict' });
      await expect(read('latest', { ...NAME, project: 'p2' })).rejects.toMatchObject({
        code: 'not-found',
        message: 'there is no secret npm-token in project p2',
      });
    });

    it('says what is missing', async () => {
      await secrets.create(NAME, 'tester');
      await expect(read()).rejects.toMatchObject({
        code: 'not-found',
        message: 'projects/p1/secrets/npm-token/versions/latest is not there',
      });
      await expect(secrets.versions({ ...NAME, secret: 'x' })).rejects.toMatchObject({ code: 'not-found' });
      await expect(secrets.setState(NAME, 3, 'DISABLED', 'tester')).rejects.toMatchObject({ code: 'not-found' });
      await expect(secrets.addVersion({ ...NAME, secret: 'x' }, base64('v'), 'tester')).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    it('gives no value of a disabled version, and no older one in its place', async () => {
      await kept('old', VALUE);
      await secrets.setState(NAME, 2, 'DISABLED', 'tester');
      await expect(read()).rejects.toMatchObject({
        code: 'conflict',
        message: 'projects/p1/secrets/npm-token/versions/2 is disabled',
      });
      expect(await read(1)).toBe('old');
      await secrets.setState(NAME, 2, 'ENABLED', 'tester');
      expect(await read()).toBe(VALUE);
    });

    it('destroys for good, and never uses a number again', async () => {
      await kept(VALUE);
      const { state, destroyTime } = await secrets.setState(NAME, 1, 'DESTROYED', 'tester');
      expect([state, destroyTime]).toEqual(['DESTROYED', expect.any(String)]);
      await expect(read(1)).rejects.toMatchObject({ code: 'conflict' });
      await expect(secrets.setState(NAME, 1, 'ENABLED', 'tester')).rejects.toMatchObject({ code: 'conflict' });
      expect((await secrets.addVersion(NAME, base64('next'), 'tester')).version).toBe(2);
    });

    it('deletes with all versions; a later one of the same name begins anew', async () => {
      await kept('one', 'two');
      expect(await secrets.remove(NAME, 'tester')).toBe(true);
      expect(await secrets.remove(NAME, 'tester')).toBe(false);
      expect(await secrets.get(NAME)).toBeUndefined();
      await kept('again');
      expect(await secrets.versions(NAME)).toHaveLength(1);
      expect(await read()).toBe('again');
    });

    it('tells who had what and who changed what', async () => {
      await kept(VALUE);
      await secrets.access(NAME, 'latest', 'build:7');
      await secrets.setState(NAME, 1, 'DISABLED', 'anna');
      await expect(secrets.access(NAME, 1, 'build:8')).rejects.toThrow();
      await secrets.remove(NAME, 'anna');
      const events = (await secrets.events('p1', 'npm-token', 10)).map((each) => [
        each.action,
        each.actor,
        each.version,
      ]);
      expect(events).toEqual([
        ['delete', 'anna', undefined],
        ['disable', 'anna', 1],
        ['access', 'build:7', 1],
        ['add', 'tester', 1],
        ['create', 'tester', undefined],
      ]);
      expect(await secrets.events('p2', undefined, 10)).toEqual([]);
    });

    it('counts versions right when many are added at once', async () => {
      await secrets.create(NAME, 'tester');
      const made = await Promise.all(
        Array.from({ length: 8 }, (_, i) => secrets.addVersion(NAME, base64(`v${i}`), 'tester')),
      );
      expect(made.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('writes no value to the disk, and the key for the owner alone', async () => {
      await kept(VALUE);
      for (const file of [opened.databaseFile, `${opened.databaseFile}-wal`]) {
        const bytes = await readFile(file);
        expect(bytes.includes(VALUE)).toBe(false);
        expect(bytes.includes(base64(VALUE))).toBe(false);
      }
      expect((await stat(opened.keyFile)).mode & 0o777).toBe(0o600);
    });

    it('opens nothing with another key, makes no new one over a lost one, and takes a new one before the old', async () => {
      await kept(VALUE);
      const key = await readFile(opened.keyFile, 'utf8');
      await writeFile(opened.keyFile, `${'0'.repeat(64)}\n`);
      await expect(read()).rejects.toMatchObject({ code: 'failed', hint: expect.stringContaining(opened.keyFile) });
      await writeFile(opened.keyFile, '');
      await expect(secrets.addVersion(NAME, base64('x'), 'tester')).rejects.toMatchObject({ code: 'failed' });
      await writeFile(opened.keyFile, `${'1'.repeat(64)}\n${key}`);
      await secrets.addVersion(NAME, base64('by the new key'), 'tester');
      expect([await read(1), await read(2)]).toEqual([VALUE, 'by the new key']);
    });
  });
}
