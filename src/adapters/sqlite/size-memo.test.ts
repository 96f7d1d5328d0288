import { beforeEach, expect, it } from 'vitest';
import { SizeMemo } from './size-memo.ts';

let now = 0;
let took = 0;
let counted: string[] = [];
let memo: SizeMemo;
beforeEach(() => {
  now = 0;
  counted = [];
  memo = new SizeMemo(
    async (key) => {
      counted.push(key);
      const bytes = counted.length;
      await Promise.resolve();
      now += took;
      return { bytes, ownBytes: 0 };
    },
    () => now,
  );
});

it('counts what is counted fast each time', async () => {
  took = 499;
  expect((await memo.size('a')).bytes).toBe(1);
  expect((await memo.size('a')).bytes).toBe(2);
});

it('counts what takes long again after twenty times as long', async () => {
  took = 1_000;
  expect((await memo.size('a')).bytes).toBe(1);
  now += 19_999;
  expect((await memo.size('a')).bytes).toBe(1);
  expect((await memo.size('b')).bytes).toBe(2);
  expect((await memo.size('a')).bytes).toBe(3);
  expect(counted).toEqual(['a', 'b', 'a']);
});

it('counts once for all who ask at the same time, but not for those who come later', async () => {
  took = 1;
  expect(await Promise.all([memo.size('a'), memo.size('a'), memo.size('b')])).toMatchObject([
    { bytes: 1 },
    { bytes: 1 },
    { bytes: 2 },
  ]);
  expect((await memo.size('a')).bytes).toBe(3);
});

it('forgets a count that failed', async () => {
  const failing = new SizeMemo(async () => {
    throw new Error('disk');
  });
  await expect(failing.size('a')).rejects.toThrow('disk');
  await expect(failing.size('a')).rejects.toThrow('disk');
});
