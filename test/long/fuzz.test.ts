import { describe, it } from 'vitest';
import { isRoot } from '../cases/image-build/needs.ts';
import { changedTrees } from '../fault/hostile-fuzz/changed-trees.ts';
import { damagedPackages, damagedTars, plainLayers, roundTrip, wildLayers } from '../fault/hostile-fuzz/properties.ts';

/** The same properties as in fault/hostile-fuzz, tried until something else would find more. */
describe.skipIf(!isRoot)('whatever comes, for minutes', () => {
  it('tars are read as they were written', () => roundTrip({ runs: 5000 }));
  it('damaged tars are read or refused', () => damagedTars({ runs: 20_000 }));
  it('damaged packages are unpacked or refused', () => damagedPackages({ runs: 5000 }));
  it('hostile layers stay below their root', () => wildLayers({ runs: 20_000 }));
  it('layers give the tree that they describe', () => plainLayers({ runs: 10_000 }));
  it('the difference of a changed tree makes the same change again', () => changedTrees({ runs: 500 }));
});
