import type { Migration } from '../database.ts';

export const names: Migration = {
  name: '0004-names',
  up: [],
};
