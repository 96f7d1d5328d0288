import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PidFile } from './pid-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-pid-file-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('is noticed when it gets its name, and read when nobody noticed', async () => {
  const file = new PidFile(join(folder, 'one.pid'));
  expect(await file.read()).toBeUndefined();
  writeFileSync(join(folder, '.one'), '42');
  renameSync(join(folder, '.one'), file.path);
  expect(await file.written).toBe(42);
  expect(await file.read()).toBe(42);
});
