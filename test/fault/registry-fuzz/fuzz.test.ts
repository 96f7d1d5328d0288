import { describe } from 'vitest';
import { rangesAreRight, registryIsContained } from './properties.ts';

describe('a registry and any request', () => {
  registryIsContained({ runs: 600 });
  rangesAreRight({ runs: 200 });
});
