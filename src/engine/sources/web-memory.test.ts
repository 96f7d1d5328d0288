import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { WebMemory } from './web-memory.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-web-memory-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const FILE = { digest: digestOf('x'), size: 1, name: 'x', modifiedMs: 0 };
const LONG_AGO = new Date('2020-01-01');

async function age(): Promise<void> {
  for (const name of await readdir(folder)) await utimes(join(folder, name), LONG_AGO, LONG_AGO);
}

it('forgets what nobody asked for since then, and keeps what a build asks for again', async () => {
  const memory = new WebMemory(folder);
  await memory.save('https://x.test/old', FILE);
  await memory.save('https://x.test/used', FILE);
  await writeFile(join(folder, '0.json.123.tmp'), 'cut short');
  await age();
  expect(await memory.find('https://x.test/used')).toEqual(FILE);
  expect(await memory.prune(LONG_AGO.getTime() + 1)).toBe(2);
  expect(await memory.find('https://x.test/old')).toBeUndefined();
  expect(await memory.find('https://x.test/used')).toEqual(FILE);
  expect(await memory.prune(LONG_AGO.getTime() + 1)).toBe(0);
});

it('has nothing to forget before anything was fetched', async () => {
  expect(await new WebMemory(join(folder, 'none')).prune(Date.now())).toBe(0);
});
