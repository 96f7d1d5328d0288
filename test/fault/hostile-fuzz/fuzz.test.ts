import { describe, it } from 'vitest';
import { isRoot } from '../../cases/image-build/needs.ts';
import { changedTrees } from './changed-trees.ts';
import { damagedPackages, damagedTars, plainLayers, roundTrip, wildLayers } from './properties.ts';

/** A short try of each; `npm run test:long` tries for minutes. A failure prints the seed that repeats it. */
describe.skipIf(!isRoot)('whatever comes', () => {
  it('tars are read as they were written', () => roundTrip({ runs: 100 }));
  it('damaged tars are read or refused', () => damagedTars({ runs: 200 }));
  it('damaged packages are unpacked or refused', () => damagedPackages({ runs: 100 }));
  it('hostile layers stay below their root', () => wildLayers({ runs: 200 }));
  it('layers give the tree that they describe', () => plainLayers({ runs: 150 }));
  it('the difference of a changed tree makes the same change again', () => changedTrees({ runs: 12 }));
});
