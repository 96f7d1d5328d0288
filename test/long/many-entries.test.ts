import { describe, expect, it } from 'vitest';
import { isRoot } from '../cases/image-build/needs.ts';
import { addMany } from '../fault/hostile-layers/many-entries.ts';

describe.skipIf(!isRoot)('an archive of a million files', () => {
  it('is added and unpacked', async () => {
    // a listing of the layer is kept in memory while it is written: 1.7 KB for each file
    expect(await addMany(1_000_000)).toBeLessThan(3 << 30);
  });
});
