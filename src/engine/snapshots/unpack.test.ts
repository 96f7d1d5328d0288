import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MergedTree } from '../trees/merged-tree.ts';
import { unpackLayer } from './unpack.ts';

let outside: string;
let tree: string;
let victim: string;

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'slipway-layer-'));
  tree = join(outside, 'tree');
  victim = join(outside, 'victim');
  for (const folder of [tree, victim]) mkdirSync(folder);
  chmodSync(victim, 0o700);
});
afterEach(() => rmSync(outside, { recursive: true }));

function unpack(...headers: (Partial<Header> & { name: string })[]) {
  const tar = pack();
  for (const header of headers) tar.entry({ mode: 0o755, ...header }, '');
  tar.finalize();
  const nothingBelow = new MergedTree(async () => undefined);
  return unpackLayer(tar as AsyncIterable<Uint8Array>, tree, nothingBelow, new AbortController().signal);
}

// a layer's owners are set, and only root may
describe.skipIf(process.getuid?.() !== 0)('a hostile layer', () => {
  test('changes no mode outside by a folder that it names in two ways', async () => {
    await unpack(
      { name: 'real', type: 'directory' },
      { name: 'alias', type: 'symlink', linkname: 'real' },
      { name: 'alias/folder', type: 'directory', mode: 0o777 },
      { name: 'real/folder', type: 'symlink', linkname: victim },
    );
    expect(statSync(victim).mode & 0o777).toBe(0o700);
  });

  test('writes nothing outside through links, absolute or upwards', async () => {
    await unpack(
      { name: 'up', type: 'symlink', linkname: '../victim' },
      { name: 'away', type: 'symlink', linkname: victim },
      { name: 'up/a', type: 'file' },
      { name: 'away/b', type: 'file' },
      { name: '../victim/c', type: 'file' },
    );
    expect(statSync(victim).nlink).toBe(2);
    for (const name of ['a', 'b', 'c']) expect(() => statSync(join(victim, name))).toThrow(/ENOENT/);
  });
});
