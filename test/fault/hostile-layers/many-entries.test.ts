import { describe, expect, it } from 'vitest';
import { isRoot } from '../../cases/image-build/needs.ts';
import { addMany } from './many-entries.ts';

describe.skipIf(!isRoot)('an archive of a hundred thousand files', () => {
  it('is added and unpacked in the time and memory of so many files', async () => {
    expect(await addMany(100_000)).toBeLessThan(900 << 20);
  }, 120_000);
});
