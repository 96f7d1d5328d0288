import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountOverlay } from '../../../src/containers/sandbox/overlay.ts';
import { SnapshotStore } from '../../../src/engine/snapshots/snapshot-store.ts';
import type { Digest } from '../../../src/images/digest.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { isRoot } from './needs.ts';

const HOUR = 60 * 60 * 1000;
const id = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

describe('unpacked trees', () => {
  let root: string;
  let store: SnapshotStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-snapshots-'));
    store = await SnapshotStore.open(root);
  });
  afterEach(() => rm(root, { recursive: true }));

  const fill = (text: string) => async (folder: string) => writeFile(join(folder, 'file'), text);

  it('are made once, however many ask at the same time', async () => {
    let made = 0;
    const both = [0, 1].map(() =>
      store.make(id('1'), async (folder) => {
        made++;
        await fill('x')(folder);
      }),
    );
    expect(new Set(await Promise.all(both)).size).toBe(1);
    expect(made).toBe(1);
    expect(await readdir(join(root, 'a'))).toEqual([]);
  });

  it('are whole or absent', async () => {
    const failing = store.make(id('2'), async (folder) => {
      await fill('half')(folder);
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(await store.has(id('2'))).toBe(false);
    expect(await readdir(join(root, 'a'))).toEqual([]);
  });

  it('go when nobody used them for a while, unless somebody holds them', async () => {
    for (const digit of ['3', '4', '5']) await store.make(id(digit), fill(digit));
    const release = await store.lease([id('3')]);
    expect(await store.collect(HOUR, Date.now())).toBe(0);
    expect(await store.collect(HOUR, Date.now() + 2 * HOUR)).toBe(2);
    expect(await store.has(id('3'))).toBe(true);
    await release();
    expect(await store.collect(HOUR, Date.now() + 2 * HOUR)).toBe(1);
    expect(existsSync(store.empty())).toBe(true);
  });

  it('of another boot go, as do folders and leases of dead processes', async () => {
    await mkdir(join(root, 't-00000000/x'), { recursive: true });
    await mkdir(join(root, 'a/999999-1-dead/upper'), { recursive: true });
    await store.make(id('6'), fill('6'));
    await writeFile(join(root, 'l/999999-1-dead'), `${'6'.repeat(32)}\n`);
    expect(await store.collect(HOUR, Date.now() + 2 * HOUR)).toBe(3);
    expect(await readdir(join(root, 'l'))).toEqual([]);
  });

  it.skipIf(!isRoot)('of a process that died while it had one mounted are unmounted first', async () => {
    const tree = await store.make(id('7'), fill('precious'));
    const dead = join(root, 'a/999999-1-dead');
    await mkdir(join(dead, 'm'), { recursive: true });
    await mkdir(join(dead, 'upper'));
    await mountOverlay(join(dead, 'm'), { lowers: [tree], upper: join(dead, 'upper') });
    expect(await store.collect(HOUR, Date.now())).toBe(1);
    expect((await readMountTable()).filter((entry) => entry.target.startsWith(root))).toEqual([]);
    expect(existsSync(join(tree, 'file'))).toBe(true);
  });
});
