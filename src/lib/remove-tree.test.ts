import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from './remove-tree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-remove-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('removes folders nested deeper than a path may be long', async () => {
  const tree = join(folder, 'tree');
  // made from the inside out, because nobody can name the innermost from outside
  const name = 'd'.repeat(200);
  mkdirSync(tree);
  for (let depth = 0; depth < 40; depth++) {
    const above = join(folder, 'above');
    mkdirSync(above);
    const fd = openSync(above, 'r');
    renameSync(tree, `/proc/self/fd/${fd}/${name}`);
    closeSync(fd);
    renameSync(above, tree);
  }
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
});

it('removes links and not what they lead to, and is content when there is nothing', async () => {
  writeFileSync(join(folder, 'kept'), 'x');
  mkdirSync(join(folder, 'tree'));
  symlinkSync(folder, join(folder, 'tree/link'));
  await removeTree(join(folder, 'tree'));
  await removeTree(join(folder, 'tree'));
  expect(existsSync(join(folder, 'kept'))).toBe(true);
});
