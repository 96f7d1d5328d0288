import { describe, expect, it } from 'vitest';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { isRoot } from '../image-build/needs.ts';
import { everyChangeByItself, neverAWrongHit } from './never-a-wrong-hit.ts';

describe.skipIf(!hasBusybox || !isRoot)('a cached build', () => {
  it('sees every kind of change', () => everyChangeByItself());

  it('is the build without a cache, whatever changed in between', async () => {
    const { hits, steps } = await neverAWrongHit(6);
    // a cache that finds nothing is never wrong either
    expect(hits).toBeGreaterThan(steps / 3);
  });
});
