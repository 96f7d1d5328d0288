import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryLock } from './flock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-flock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('only one open file has the lock, and closing it passes it on', () => {
  const path = join(folder, 'lock');
  const first = openSync(path, 'w');
  const second = openSync(path, 'w');
  expect(tryLock(first)).toBe(true);
  expect(tryLock(first)).toBe(true);
  expect(tryLock(second)).toBe(false);
  closeSync(first);
  expect(tryLock(second)).toBe(true);
  closeSync(second);
});

test('a shared lock excludes an exclusive one, and no other', () => {
  const path = join(folder, 'lock');
  const [first, second, third] = [openSync(path, 'w'), openSync(path, 'w'), openSync(path, 'w')];
  expect([tryLock(first, 'shared'), tryLock(second, 'shared'), tryLock(third)]).toEqual([true, true, false]);
  closeSync(first);
  closeSync(second);
  expect(tryLock(third)).toBe(true);
  closeSync(third);
});

test('another process sees the lock', () => {
  const path = join(folder, 'lock');
  const fd = openSync(path, 'w');
  tryLock(fd);
  const attempt = () => execFileSync('sh', ['-c', 'flock -n "$1" true && echo free || echo held', 'sh', path]);
  expect(attempt().toString().trim()).toBe('held');
  closeSync(fd);
  expect(attempt().toString().trim()).toBe('free');
});

test('a descriptor that is not open is an error and not a lock that somebody holds', () => {
  expect(() => tryLock(99_999)).toThrow(/EBADF.*flock/);
});
