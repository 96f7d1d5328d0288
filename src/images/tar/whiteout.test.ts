import { expect, it } from 'vitest';
import { opaqueName, readWhiteout, whiteoutName } from './whiteout.ts';

it.each(['file', 'folder/file', 'a/b/.hidden'])('hides %s and reads it back', (path) => {
  expect(readWhiteout(whiteoutName(path))).toEqual({ kind: 'removes', path });
});

it.each(['', 'folder', 'a/b'])('makes the folder "%s" opaque and reads it back', (folder) => {
  expect(readWhiteout(opaqueName(folder))).toEqual({ kind: 'opaque', folder });
});

it.each(['.wh..wh.plnk', 'a/.wh..wh.aufs', '.wh.', 'a/.wh..', 'a/.wh...'])('obeys nothing in %s', (name) => {
  expect(readWhiteout(name)).toEqual({ kind: 'meta' });
});

it('leaves other names alone', () => {
  expect(readWhiteout('a/x.wh.b')).toBeUndefined();
  expect(readWhiteout('.wh.a/b')).toBeUndefined();
});
