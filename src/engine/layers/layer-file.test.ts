import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LayerFile } from './layer-file.ts';

let folder: string;
let handle: FileHandle;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-layer-file-'));
  handle = await open(join(folder, 'layer'), 'w');
});

afterEach(async () => {
  await handle.close();
  await rm(folder, { recursive: true, force: true });
});

const CHUNK = 1 << 20;

it('writes chunks in their order, however many are under way', async () => {
  const file = new LayerFile(handle);
  for (let n = 0; n < 40; n++) await file.write(Buffer.alloc(CHUNK, n));
  await file.finish();
  const written = await readFile(join(folder, 'layer'));
  expect(written.length).toBe(40 * CHUNK);
  for (let n = 0; n < 40; n++) expect([written[n * CHUNK], written[(n + 1) * CHUNK - 1]]).toEqual([n, n]);
});

it('does not end well when the disk refused bytes early, which the kernel says only once', async () => {
  handle.datasync = () => Promise.reject(new Error('EIO: the disk is broken'));
  const file = new LayerFile(handle);
  for (let n = 0; n < 34; n++) await file.write(Buffer.alloc(CHUNK));
  await expect(file.finish()).rejects.toThrow('the disk is broken');
});
