import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileIndex } from './file-index.ts';
import type { FileState } from './file-states.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-index-'));
});
afterEach(() => rm(folder, { recursive: true }));

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const MS = 1_000_000n;
const state: FileState = { size: 3, mtimeNs: 1000n * MS, ctimeNs: 1000n * MS, ino: 7n, mode: 0o644 };
const LATER = 5000;

it('knows a file by its state, also in the next process', async () => {
  const index = await FileIndex.open(join(folder, 'context.states'));
  index.note('a', state, DIGEST, LATER);
  await index.save();
  const again = await FileIndex.open(join(folder, 'context.states'));
  expect(again.digest('a', state)).toBe(DIGEST);
  expect(again.digest('b', state)).toBeUndefined();
  expect((await FileIndex.open(join(folder, 'other.states'))).digest('a', state)).toBeUndefined();
});

it('knows many files, of any date, and what the last look at each of them saw', async () => {
  const index = await FileIndex.open(join(folder, 'context.states'));
  const far = { ...state, mtimeNs: 253_370_764_800n * 1000n * MS, ino: 2n ** 64n - 1n };
  const soon = 260_000_000_000_000;
  for (let i = 0; i < 1000; i++) index.note(`caf\u00e9 \udc80/${i}`, { ...state, size: i }, DIGEST, LATER);
  index.note('far', far, DIGEST, soon);
  index.note('caf\u00e9 \udc80/7', { ...state, size: 8 }, DIGEST, LATER);
  await index.save();
  const again = await FileIndex.open(join(folder, 'context.states'));
  expect(again.digest('far', far)).toBe(DIGEST);
  expect(again.digest('caf\u00e9 \udc80/999', { ...state, size: 999 })).toBe(DIGEST);
  expect(again.digest('caf\u00e9 \udc80/7', { ...state, size: 7 })).toBeUndefined();
  expect(again.digest('caf\u00e9 \udc80/7', { ...state, size: 8 })).toBe(DIGEST);
});

it.each<[what: string, change: Partial<FileState>]>([
  ['size', { size: 4 }],
  ['time', { mtimeNs: 1001n * MS }],
  ['time of its last change', { ctimeNs: 1001n * MS }],
  ['inode', { ino: 8n }],
  ['mode', { mode: 0o600 }],
])('forgets a file whose %s changed', async (_, change) => {
  const index = await FileIndex.open(join(folder, 'context.states'));
  index.note('a', state, DIGEST, LATER);
  expect(index.digest('a', { ...state, ...change })).toBeUndefined();
});

it('does not trust a file that was read in the moment in which it was written', async () => {
  const index = await FileIndex.open(join(folder, 'context.states'));
  index.note('a', state, DIGEST, 1010);
  expect(index.digest('a', state)).toBeUndefined();
});

it('begins anew when its file was cut short', async () => {
  const index = await FileIndex.open(join(folder, 'context.states'));
  index.note('a', state, DIGEST, LATER);
  await index.save();
  const [name = ''] = await readdir(folder);
  await writeFile(join(folder, name), '[["a",');
  expect((await FileIndex.open(join(folder, 'context.states'))).digest('a', state)).toBeUndefined();
});
