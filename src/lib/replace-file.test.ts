import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile } from './replace-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-replace-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* parts(...texts: string[]) {
  for (const text of texts) {
    if (text === 'fail') throw new Error('no more');
    yield Buffer.from(text);
  }
}

it('replaces a file as a whole', async () => {
  await writeFile(join(folder, 'a'), 'old');
  await replaceFile(join(folder, 'a'), parts('new ', 'text'));
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new text');
  expect(await readdir(folder)).toEqual(['a']);
});

it('keeps the old one, and nothing else, when the bytes end in an error', async () => {
  await writeFile(join(folder, 'a'), 'old');
  await expect(replaceFile(join(folder, 'a'), parts('new', 'fail'))).rejects.toThrow('no more');
  await expect(replaceFile(join(folder, 'b'), parts('fail'))).rejects.toThrow('no more');
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['a']);
});

it('replaces a link, and leaves alone where it leads', async () => {
  await writeFile(join(folder, 'far'), 'far');
  await symlink(join(folder, 'far'), join(folder, 'link'));
  await replaceFile(join(folder, 'link'), parts('near'));
  expect(await readFile(join(folder, 'far'), 'utf8')).toBe('far');
  expect(await readFile(join(folder, 'link'), 'utf8')).toBe('near');
});

it('says what is in the way', async () => {
  await expect(replaceFile(folder, parts('x'))).rejects.toThrow('is a folder');
  await expect(replaceFile(join(folder, 'no/such/file'), parts('x'))).rejects.toThrow('no such folder');
});
