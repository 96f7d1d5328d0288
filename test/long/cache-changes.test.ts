import { describe, expect, it } from 'vitest';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { isRoot } from '../cases/image-build/needs.ts';
import { neverAWrongHit } from '../cases/image-build-cache/never-a-wrong-hit.ts';

describe.skipIf(!hasBusybox || !isRoot)('thousands of cached builds', () => {
  it('are the builds without a cache', async () => {
    const { hits, steps } = await neverAWrongHit(300);
    expect(hits).toBeGreaterThan(steps / 3);
  });
});
