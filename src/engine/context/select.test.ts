import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderTree } from './folder-tree.ts';
import { nameMatcher } from './match-name.ts';
import { NOTHING_EXCLUDED, selectSource } from './select.ts';

/** What --parents keeps of a source's path. */
describe('what --parents keeps', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-select-'));
    for (const path of ['one/deep/a.txt', 'three/deep/b.txt', 'three/c.txt', 'three/deep/er/d.txt']) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), path);
    }
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  const kept = (source: string) => {
    const tree = new FolderTree(folder, { foreign: true });
    const rules = { exclusion: NOTHING_EXCLUDED, without: NOTHING_EXCLUDED, matches: nameMatcher(), deep: true };
    try {
      return selectSource(tree, source, rules).map(({ kept, folders }) => [
        kept,
        folders.map(({ entry }) => entry.path).join(' '),
      ]);
    } finally {
      tree.close();
    }
  };

  it.each([
    ['three/c.txt', [['three/c.txt', 'three']]],
    ['three/./deep', [['deep', 'three/deep']]],
    ['three/.', [['three', 'three']]],
    [
      '*/./deep/*.txt',
      [
        ['deep/a.txt', 'one/deep'],
        ['deep/b.txt', 'three/deep'],
      ],
    ],
    [
      't*/./**/*.txt',
      [
        ['c.txt', ''],
        ['deep/b.txt', 'three/deep'],
        ['deep/er/d.txt', 'three/deep three/deep/er'],
      ],
    ],
  ])('%s', (source, expected) => {
    expect(kept(source)).toEqual(expected);
  });
});
