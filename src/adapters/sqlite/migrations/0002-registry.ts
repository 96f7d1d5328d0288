import type { Migration } from '../database.ts';

export const registry: Migration = {
  name: '0002-registry',
  up: [],
};
