import { describe } from 'vitest';
import { rangesAreRight, registryIsContained } from '../fault/registry-fuzz/properties.ts';

/** The same properties as in fault/registry-fuzz, tried until something else would find more. */
describe('a registry and any request, for minutes', () => {
  registryIsContained({ runs: 50_000 });
  rangesAreRight({ runs: 10_000 });
});
